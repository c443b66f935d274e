package emulator

import (
	"slices"
	"sync"
	"time"
)

// A limits creates the memory limit of each instance of a Runner.
type limits struct {
	bytes      int64 // 0: none
	newGroup   func(bytes int64) (*cgroup, error)
	useCgroups bool // guarded by Runner.starting, which the callers of next and giveUp hold

	mu   sync.Mutex
	way  string    // how the latest limit is enforced
	left []*cgroup // cgroups of ended instances that left processes behind
}

func newLimits(fn Function) limits {
	if !fn.LimitMemory {
		return limits{}
	}
	return limits{bytes: int64(fn.MemoryMB) << 20, newGroup: newCgroup, useCgroups: true}
}

// next returns the limit of the next instance. end tells the server that the
// instance has ended.
func (l *limits) next(end func(kind Kind, reason string)) memoryLimit {
	limit := memoryLimit{bytes: l.bytes, over: func(reason string) { end(OutOfMemory, reason) }}
	if l.bytes == 0 {
		return limit
	}
	way := "sampling"
	if l.useCgroups {
		if group, err := l.newGroup(l.bytes); err == nil {
			limit.group, way = group, "cgroup"
		}
	}
	l.setWay(way)
	return limit
}

// exited returns a function that tells the server why the process has exited.
func (limit memoryLimit) exited(end func(kind Kind, reason string)) func(reason string) {
	return func(reason string) {
		if killed := limit.killedByKernel(); killed != "" {
			end(OutOfMemory, killed)
		}
		end(RuntimeExited, reason) // no effect after the first call
	}
}

// giveUp stops the use of cgroups, because no process can be started in this
// one.
func (l *limits) giveUp(group *cgroup) {
	_ = group.remove() // it is empty
	l.useCgroups = false
	l.setWay("sampling")
}

func (l *limits) setWay(way string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.way = way
}

// release removes the cgroup of an instance that has ended. It also tries again to
// remove cgroups that still had processes earlier.
func (l *limits) release(group *cgroup) {
	if group == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = slices.DeleteFunc(append(l.left, group), func(c *cgroup) bool { return c.remove() == nil })
}

// removeAll removes the cgroups of instances whose processes have been killed,
// and waits until these have exited. The next program removes a cgroup that
// remains.
func (l *limits) removeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, group := range l.left {
		for began := time.Now(); group.remove() != nil && time.Since(began) < sweepTime; {
			time.Sleep(time.Millisecond)
		}
	}
	l.left = nil
}

// MemoryLimit returns how the limit of the latest instance is enforced:
// "cgroup" if the kernel enforces it, "sampling" if samples during events do.
// It returns "" before the first instance and without a limit.
func (r *Runner) MemoryLimit() string {
	r.limits.mu.Lock()
	defer r.limits.mu.Unlock()
	return r.limits.way
}

// noteOutOfMemory kills an instance if the kernel has killed one of its
// processes. An answer of the remaining processes does not count.
func (r *Runner) noteOutOfMemory() {
	i := r.instance.Load()
	if i == nil {
		return
	}
	if reason := i.limit.killedByKernel(); reason != "" {
		i.limit.over(reason)
		i.kill()
	}
}
