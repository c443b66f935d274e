package emulator

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// samplePause is the minimum time between two samples. A sample may take a
// tenth of the time, as it is slow where the kernel does not list children.
const samplePause = 2 * time.Millisecond

// samplePeak samples the memory of a process and its descendants, and keeps the
// maximum in peak. Shared pages count for each process. stop takes a last
// sample.
func samplePeak(pid int, peak *atomic.Int64) (stop func()) {
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() { // ends in stop
		defer close(stopped)
		for {
			began := time.Now()
			raiseTo(peak, int64(procfs.ResidentTree(pid)))
			select {
			case <-time.After(max(samplePause, 10*time.Since(began))):
			case <-quit:
				raiseTo(peak, int64(procfs.ResidentTree(pid)))
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-stopped
	}
}

func raiseTo(peak *atomic.Int64, n int64) {
	for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); {
		old = peak.Load()
	}
}

// peakOf returns the memory, in bytes, of the largest process among one that
// has exited and those that it has waited for; 0: unknown. The kernel counts
// our own memory as the child's first program, so only a larger number says
// something about the child.
func peakOf(state *os.ProcessState) int64 {
	its, ok := state.SysUsage().(*syscall.Rusage)
	var ours syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ours); err != nil || !ok || its.Maxrss <= ours.Maxrss {
		return 0
	}
	return its.Maxrss * 1024
}
