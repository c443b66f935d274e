package emulator

import (
	"slices"
	"sync"
	"time"
)

// A limits makes the memory limits of a Runner's instances.
type limits struct {
	bytes      int64 // 0: none
	newGroup   func(bytes int64) (*cgroup, error)
	useCgroups bool // guarded by Runner.starting, as next and giveUp are

	mu   sync.Mutex
	way  string    // how the latest limit is enforced
	left []*cgroup // of instances that are over, with processes that they have left behind
}

func newLimits(fn Function) limits {
	if !fn.LimitMemory {
		return limits{}
	}
	return limits{bytes: int64(fn.MemoryMB) << 20, newGroup: newCgroup, useCgroups: true}
}

// next returns the limit of the next instance, whose end ends it at the server.
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

// exited returns what to call when the process has exited.
func (limit memoryLimit) exited(end func(kind Kind, reason string)) func(reason string) {
	return func(reason string) {
		if killed := limit.killedByKernel(); killed != "" {
			end(OutOfMemory, killed)
		}
		end(RuntimeExited, reason) // no effect after the other
	}
}

// giveUp uses no cgroups any more, as nothing can be started in this one.
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

// release removes the cgroup of an instance that is over, and those that still had
// processes before.
func (l *limits) release(group *cgroup) {
	if group == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = slices.DeleteFunc(append(l.left, group), func(c *cgroup) bool { return c.remove() == nil })
}

// removeAll removes the cgroups of instances whose processes have been killed, as
// soon as these have exited. What remains is left to the next program.
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

// MemoryLimit says how the limit of the latest instance is enforced: "cgroup" by
// the kernel, "sampling" by samples during events. It returns "" before the first
// instance and without a limit.
func (r *Runner) MemoryLimit() string {
	r.limits.mu.Lock()
	defer r.limits.mu.Unlock()
	return r.limits.way
}

// noteOutOfMemory ends an instance of which the kernel has killed a process: what
// the rest of it answers does not count.
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
