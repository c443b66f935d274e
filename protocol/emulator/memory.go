package emulator

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// samplePause is the least time between two looks at the memory. A look may
// take a tenth of the time: it is slow where the kernel lists no children.
const samplePause = 2 * time.Millisecond

// samplePeak looks at the memory of a process and its descendants again and again,
// and keeps the most that it saw in peak. Pages that they share count for each.
// Stop takes a last look.
func samplePeak(pid int, peak *atomic.Int64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends in stop
		defer close(ended)
		for {
			began := time.Now()
			raiseTo(peak, int64(procfs.ResidentTree(pid)))
			select {
			case <-time.After(max(samplePause, 10*time.Since(began))):
			case <-end:
				raiseTo(peak, int64(procfs.ResidentTree(pid)))
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func raiseTo(peak *atomic.Int64, n int64) {
	for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); {
		old = peak.Load()
	}
}

// peakOf is the memory of the largest process among one that has ended and
// those that it waited for, in bytes; 0: not known. Go starts a process within
// its own memory, and the kernel counts that as the child's first: a number
// that is not above ours says nothing of the child.
func peakOf(state *os.ProcessState) int64 {
	its, ok := state.SysUsage().(*syscall.Rusage)
	var ours syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ours); err != nil || !ok || its.Maxrss <= ours.Maxrss {
		return 0
	}
	return its.Maxrss * 1024
}
