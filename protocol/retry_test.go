package protocol

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"
)

// production is the backoff of a real client.
func production(t *testing.T) backoff {
	t.Helper()
	c, err := NewClient(Lambda, variables{"AWS_LAMBDA_RUNTIME_API": "h:1"}.get)
	if err != nil {
		t.Fatal(err)
	}
	return c.backoff
}

func TestPause(t *testing.T) {
	b := production(t)
	tests := []struct {
		n           int
		least, most time.Duration
	}{
		{0, 50 * time.Millisecond, 75 * time.Millisecond},
		{1, 100 * time.Millisecond, 150 * time.Millisecond},
		{2, 200 * time.Millisecond, 300 * time.Millisecond},
		{3, 400 * time.Millisecond, 600 * time.Millisecond},
		{4, 666 * time.Millisecond, time.Second},
		{100, 666 * time.Millisecond, time.Second},
		{math.MaxInt, 666 * time.Millisecond, time.Second},
	}
	for _, test := range tests {
		seen := make(map[time.Duration]bool)
		for range 1000 {
			d := b.pause(test.n)
			seen[d] = true
			if d < test.least || d > test.most {
				t.Fatalf("%d: got %v, want between %v and %v", test.n, d, test.least, test.most)
			}
		}
		if len(seen) < 500 {
			t.Errorf("%d: got %d different pauses in 1000, want jitter", test.n, len(seen))
		}
	}
}

// However the dice fall, there are at most 20 attempts in 6 s, and enough.
func TestPausesInAWindow(t *testing.T) {
	b := production(t)
	for range 1000 {
		attempts := 0
		for at := time.Duration(0); at < 6*time.Second; at += b.pause(attempts - 1) {
			attempts++
		}
		if attempts < 8 || attempts > 20 {
			t.Fatalf("got %d attempts in 6 s, want 8 to 20", attempts)
		}
	}
}

func TestPauseOfNothing(t *testing.T) {
	if got := (backoff{}).pause(3); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}

// A thirtieth of the real pauses, for a thirtieth of the time.
func TestAttemptsInAWindow(t *testing.T) {
	tests := []struct {
		name  string
		fault step // nil: nobody listens
	}{
		{"refused", nil},
		{"reset", reset},
		{"500", answer(status(500))},
		{"empty answer", answer(status(200))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var polls atomic.Int64
			s := newScripted(t, func(v *visit) bool { polls.Add(1); return test.fault(v) })
			c := s.client(SCF)
			if test.fault == nil {
				s.close()
				c.Lost = func(string, error) { polls.Add(1) }
			}
			b := production(t)
			c.backoff = backoff{b.shortest / 30, b.longest / 30}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if ev, err := c.Next(ctx); err == nil {
				t.Errorf("got the event %q, want none", ev.ID)
			}
			if got := polls.Load(); got < 3 || got > 20 {
				t.Errorf("got %d attempts, want 3 to 20", got)
			}
		})
	}
}
