package emulator

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// samplePause is the time between two looks at the memory.
const samplePause = 2 * time.Millisecond

// sample looks at the memory of a process and its descendants again and again,
// and keeps the most that it saw in peak. Stop takes a last look.
func sample(pid int, peak *atomic.Int64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends in stop
		defer close(ended)
		ticker := time.NewTicker(samplePause)
		defer ticker.Stop()
		for {
			raise(peak, resident(pid))
			select {
			case <-ticker.C:
			case <-end:
				raise(peak, resident(pid))
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func raise(peak *atomic.Int64, n int64) {
	for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); {
		old = peak.Load()
	}
}

// resident is what a process and its descendants hold in memory, in bytes.
// Pages that they share count for each.
func resident(pid int) int64 {
	total := residentAlone(pid)
	for _, child := range descendants(pid) {
		total += residentAlone(child)
	}
	return total
}

func residentAlone(pid int) int64 {
	statm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // gone: nothing
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64) // the kernel wrote it
	return pages * int64(os.Getpagesize())
}

// descendants are the children of a process, their children, and so on. Each
// thread has a list of those that it started.
func descendants(pid int) []int {
	var found []int
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // gone: none
	for _, thread := range threads {
		list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		for _, field := range strings.Fields(string(list)) {
			child, _ := strconv.Atoi(field) // the kernel wrote it
			found = append(append(found, child), descendants(child)...)
		}
	}
	return found
}

// largest is the memory of the largest process among one that has ended and
// those that it waited for, in bytes; 0: not known. Go starts a process within
// its own memory, and the kernel counts that as the child's first: a number
// that is not above ours says nothing of the child.
func largest(state *os.ProcessState) int64 {
	its, ok := state.SysUsage().(*syscall.Rusage)
	var ours syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ours); err != nil || !ok || its.Maxrss <= ours.Maxrss {
		return 0
	}
	return its.Maxrss * 1024
}
