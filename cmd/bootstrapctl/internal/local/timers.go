package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/events"
	"bootstrap/cmd/bootstrapctl/internal/schedule"
)

// Fire sends the event of a timer, and returns its request id. It returns ErrNotFound
// for a timer that the function does not have.
func (f *Function) Fire(timer string) (id string, err error) {
	for _, t := range f.Describe().Triggers {
		if t.Kind == "timer" && t.Name == timer {
			return f.fire(t, time.Now())
		}
	}
	return "", fmt.Errorf("%w: %s has no timer %q", ErrNotFound, f.name, timer)
}

func (f *Function) fire(t Trigger, at time.Time) (id string, err error) {
	return f.Enqueue(Call{Body: events.Timer(f.platform.Name, t.Name, t.Argument, at), Via: "timer " + t.Name})
}

// RunTimers fires the enabled timers of all functions at their scheduled times
// until ctx ends. It notices when timers are added or removed.
func (c *Cloud) RunTimers(ctx context.Context) {
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-time.After(time.Until(last.Truncate(time.Second).Add(time.Second))):
			c.fireBetween(last, now)
			last = now
		}
	}
}

// fireBetween fires the timers that are due after the first of two times, up to
// the second.
func (c *Cloud) fireBetween(after, until time.Time) {
	for _, f := range c.Functions(nil) {
		for _, t := range f.Describe().Triggers {
			if t.Kind != "timer" || !t.Enabled {
				continue
			}
			s, err := c.schedules.parse(f.platform.Name, t.Cron)
			if err != nil {
				continue // the API that made the timer reported the error
			}
			if next := s.Next(after); !next.IsZero() && !next.After(until) {
				_, _ = f.fire(t, next) // the event is lost if the queue is full, as in the cloud
			}
		}
	}
}

// A scheduleCache keeps parsed schedules, because the timers are checked each
// second.
type scheduleCache struct {
	mu     sync.Mutex
	parsed map[string]schedule.Schedule
}

func (c *scheduleCache) parse(platform, expression string) (schedule.Schedule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := platform + " " + expression
	if s, ok := c.parsed[key]; ok {
		return s, nil
	}
	s, err := schedule.Parse(platform, expression)
	if err == nil {
		if c.parsed == nil {
			c.parsed = map[string]schedule.Schedule{}
		}
		c.parsed[key] = s
	}
	return s, err
}
