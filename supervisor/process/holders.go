package process

import (
	"context"
	"time"
)

// How long to wait for processes that hold the outputs of one that has exited.
const (
	holderWait        = 10 * time.Millisecond  // always
	busyHolderWait    = 200 * time.Millisecond // if one of them wants a processor
	starvedHolderWait = 2 * time.Second        // if, all together, they have used less processor time than starvedCPU
	starvedCPU        = 50 * time.Millisecond
)

// holders are the leftovers of an owner that may hold an output of a process that
// has exited or that continues with the next event.
type holders struct {
	of     Owner
	before map[int]time.Duration // processor time of each at the first check; nil: not checked yet
}

func (p *Process) holders() *holders { return &holders{of: p.owner} }

// mayStillWrite reports whether to keep waiting for holders to write. On a busy
// machine they may wait long for a processor. The end of ctx ends the wait.
func (h *holders) mayStillWrite(ctx context.Context, waited time.Duration) bool {
	if waited < holderWait {
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	busy, used := processes.leftoversBusy(h.of)
	if h.before == nil {
		h.before = used
	}
	return busy && (waited < busyHolderWait || waited < starvedHolderWait && showsCPUTimes() && h.starved(used))
}

// starved reports whether the holders have hardly run since the first check. A
// holder that has run has written, or is busy with something else. A new holder
// counts as having run.
func (h *holders) starved(used map[int]time.Duration) bool {
	var sum time.Duration
	for pid, now := range used {
		before, known := h.before[pid]
		if !known {
			return false
		}
		sum += now - before
	}
	return sum < starvedCPU
}
