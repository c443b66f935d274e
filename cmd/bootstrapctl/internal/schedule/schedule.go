// Package schedule reads the schedules of timer triggers, as each platform writes
// them.
package schedule

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// A Schedule says when a timer fires.
type Schedule interface {
	// Next returns the first time after t, or the zero time if there is none.
	Next(t time.Time) time.Time
}

// ErrUnsupported means that the platform supports the expression but this
// package does not.
var ErrUnsupported = errors.New("last day (L), nearest weekday (W) and nth weekday (#) are not supported here")

// platforms holds the function that reads the expressions of each platform.
var platforms = map[string]func(expression string) (Schedule, error){
	"scf":           scf,
	"functiongraph": functiongraph,
	"lambda":        lambda,
}

// Parse reads an expression of a platform: scf, functiongraph or lambda.
func Parse(platform, expression string) (Schedule, error) {
	read, ok := platforms[platform]
	if !ok {
		return nil, fmt.Errorf("unknown platform %q", platform)
	}
	schedule, err := read(expression)
	if err != nil {
		return nil, fmt.Errorf("cannot read the schedule %q: %w", expression, err)
	}
	return schedule, nil
}

// every returns a schedule with a fixed interval, which cron rounds to seconds.
func every(interval time.Duration) (Schedule, error) {
	if interval < time.Second {
		return nil, errors.New("expected an interval of one second or more")
	}
	return cron.Every(interval), nil
}
