package emulator

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// samplePause is the minimum time between two samples. It grows so that samples
// take at most a tenth of the time: they are slow where the kernel does not
// list children.
const samplePause = 2 * time.Millisecond

// watchMemory samples the memory of i and its descendants, keeps the maximum,
// and enforces the limit. Pages that processes share count once for each of
// them. stop takes the last sample.
func (r *Runner) watchMemory(i *instance) (stop func()) {
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() { // ends in stop
		defer close(stopped)
		pause := samplePause
		if i.memory.Load() == 0 { // the only sample if the process exits before the first pause
			pause = r.sampleMemory(i)
		}
		for {
			select {
			case <-time.After(pause):
				pause = r.sampleMemory(i)
			case <-quit:
				r.sampleMemory(i)
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-stopped
	}
}

// sampleMemory takes a sample, and returns the pause before the next one.
func (r *Runner) sampleMemory(i *instance) (pause time.Duration) {
	began := time.Now()
	used := int64(i.tree.Resident())
	raiseTo(&i.memory, used)
	raiseTo(&r.peak, used)
	i.enforceLimit(used)
	return max(samplePause, 10*time.Since(began))
}

func raiseTo(peak *atomic.Int64, n int64) {
	for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); {
		old = peak.Load()
	}
}

// A memoryLimit is the limit of an instance.
type memoryLimit struct {
	bytes int64               // 0: none
	group *cgroup             // in which the kernel enforces it; nil: enforced from samples
	over  func(reason string) // tells the server that the instance has ended
}

// enforceLimit kills the instance if it uses more memory than the limit.
func (i *instance) enforceLimit(used int64) {
	if reason := i.limit.exceeded(i.pid(), used); reason != "" {
		i.limit.over(reason)
		i.kill()
	}
}

// exceeded returns why the instance must be killed, or "". It ignores used if
// the kernel enforces the limit.
func (l memoryLimit) exceeded(pid int, used int64) string {
	switch {
	case l.bytes == 0:
		return ""
	case l.group != nil:
		return l.killedByKernel()
	case used <= l.bytes:
		return ""
	}
	if exact := int64(procfs.ProportionalTree(pid)); exact != 0 {
		used = exact // several processes share pages
	}
	if used <= l.bytes {
		return ""
	}
	return fmt.Sprintf("the instance used %d MB of %d MB", max(used>>20, l.bytes>>20+1), l.bytes>>20)
}

// killedByKernel returns the reason if the kernel has killed a process because of
// the limit, or "".
func (l memoryLimit) killedByKernel() string {
	if l.group == nil || !l.group.hasKilled() {
		return ""
	}
	return fmt.Sprintf("the instance used all of its %d MB and needed more", l.bytes>>20)
}

// peakOf returns the maximum memory, in bytes, of a process that has exited or
// of the largest child that it waited for; 0: unknown. The kernel includes the
// memory of our own program, which the child was before it loaded another one.
// Only a larger number is therefore about the child.
func peakOf(state *os.ProcessState) int64 {
	its, ok := state.SysUsage().(*syscall.Rusage)
	var ours syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ours); err != nil || !ok || its.Maxrss <= ours.Maxrss {
		return 0
	}
	return its.Maxrss * 1024
}
