package process

import "time"

// An exitCheck decides when a Pump checks whether its process has exited. No
// descriptor reports that (a pidfd would, from Linux 5.3 on). Usually the
// process closes its outputs first, and exits microseconds later. The pause
// before the next check:
//
//	outputs closed, first 64 checks    none, the processor is yielded
//	outputs closed, later              50 µs to 20 ms
//	an output open                     1 ms to 20 ms
//
// Within these limits the pause is an eighth of the time that the Pump has
// lasted, so that a short command is not delayed and a long one costs next to
// nothing. The pause of a sidecar may grow to 50 ms. While bytes arrive, a
// check happens once a millisecond at most. Every 20 ms a check also reaps
// orphans.
type exitCheck struct {
	maxPause time.Duration
	spins    int // checks without a pause since the outputs were closed
	checked  time.Time
	reaped   time.Time
}

const (
	maxSpins        = 64
	minPauseClosed  = 50 * time.Microsecond
	minPauseOpen    = time.Millisecond
	maxPause        = 20 * time.Millisecond
	maxPauseSidecar = 50 * time.Millisecond
	reapInterval    = 20 * time.Millisecond
)

func newExitCheck(sidecar bool) exitCheck {
	c := exitCheck{maxPause: maxPause, reaped: time.Now()}
	if sidecar {
		c.maxPause = maxPauseSidecar
	}
	return c
}

// pause returns how long to wait for bytes before the next check. The Pump has
// lasted for the time waited.
func (c *exitCheck) pause(waited time.Duration, outputsClosed bool) time.Duration {
	minPause := minPauseOpen
	if outputsClosed {
		if c.spins++; c.spins <= maxSpins {
			return 0
		}
		minPause = minPauseClosed
	}
	return min(max(waited/8, minPause), c.maxPause)
}

// begin reports whether to check now. A process that writes has hardly exited,
// but the bytes may come from another.
func (c *exitCheck) begin(now time.Time, moved bool) bool {
	if moved && now.Sub(c.checked) < minPauseOpen {
		return false
	}
	c.checked = now
	return true
}

// beginReap reports whether to reap orphans now.
func (c *exitCheck) beginReap(now time.Time) bool {
	if now.Sub(c.reaped) <= reapInterval {
		return false
	}
	c.reaped = now
	return true
}
