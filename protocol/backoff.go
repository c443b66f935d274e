package protocol

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff bounds the pauses between attempts. The zero value does not pause.
type Backoff struct{ Shortest, Longest time.Duration }

// Pause returns how long to wait after the nth attempt in a row, from 0. The pause
// doubles from Shortest up to Longest. A random part of up to half is subtracted,
// so that instances or sidecars that failed together do not retry together.
func (b Backoff) Pause(n int) time.Duration {
	d := min(b.Shortest<<min(n, 10), b.Longest)
	return d - rand.N(d/2+1)
}

// Sleep sleeps for d or until ctx ends, and reports whether it slept to the end.
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
