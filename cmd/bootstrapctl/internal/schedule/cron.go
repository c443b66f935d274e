package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// parser reads a second, a minute, an hour, a day of the month, a month and a day
// of the week, which counts from 0 for Sunday.
var parser = cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// list matches a field: ranges, names and steps between commas.
var list = regexp.MustCompile(`^[0-9A-Za-z*?/-]+(,[0-9A-Za-z*?/-]+)*$`)

// special matches a field with the last day (L, 5L, LW), the nearest weekday (15W)
// or the nth weekday of a month (2#1).
var special = regexp.MustCompile(`^(?i:[0-9]*L|[0-9]+W|LW|[A-Z0-9]+#[0-9]+)$`)

// fields reads the six fields of a cron expression.
func fields(six []string, location *time.Location) (Schedule, error) {
	for _, field := range six {
		if special.MatchString(field) {
			return nil, ErrUnsupported
		}
		if !list.MatchString(field) {
			return nil, fmt.Errorf("cannot read the field %q", field)
		}
	}
	schedule, err := parser.Parse(strings.Join(six, " "))
	if err != nil {
		return nil, err
	}
	schedule.(*cron.SpecSchedule).Location = location
	return schedule, nil
}

// ofYears reads six fields and a field of years.
func ofYears(six []string, years string, location *time.Location) (Schedule, error) {
	schedule, err := fields(six, location)
	if err != nil {
		return nil, err
	}
	first := time.Date(2096, 1, 1, 0, 0, 0, 0, time.UTC) // a leap year: cron looks ahead for five years
	if years != "*" {
		set, err := yearsOf(years)
		if err != nil {
			return nil, err
		}
		schedule, first = inYears{schedule, set, location}, time.Time{}
	}
	if schedule.Next(first).IsZero() { // such as February 30
		return nil, errors.New("it never fires")
	}
	return schedule, nil
}
