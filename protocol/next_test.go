package protocol

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// The number of attempts is bounded. The test divides pauses and time by thirty.
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
			c.backoff = Backoff{b.Shortest / 30, b.Longest / 30}
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
