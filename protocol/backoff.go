package protocol

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff bounds the pauses between tries. The zero value does not pause.
type Backoff struct{ Shortest, Longest time.Duration }

// Pause is the time to wait after the nth try in a row, n from 0: it doubles,
// up to a limit. Up to half of it is left to chance, so that a thousand
// instances, or what has died together, do not come back in step.
func (b Backoff) Pause(n int) time.Duration {
	d := min(b.Shortest<<min(n, 10), b.Longest)
	return d - rand.N(d/2+1)
}

// Sleep reports whether it slept to the end; the end of ctx wakes it.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
