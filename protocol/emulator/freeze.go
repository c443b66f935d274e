package emulator

import (
	"slices"
	"sync"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// A freezer stops all processes of a Runner's instance while the instance has
// no event, as platforms do with a sandbox. It freezes the instance soon after
// the runtime asks for the next event. If the runtime does not ask, it freezes
// the instance maxUnpolled after the outcome, because platforms without
// AwaitsPoll do not wait for that. It resumes the instance before the next
// event is offered, so that no time limit includes the frozen time.
type freezer struct {
	on        bool
	pollGrace time.Duration // between the poll and the freeze
	unpolled  time.Duration // between an outcome and the freeze if no poll follows

	mu     sync.Mutex
	awake  int         // the number of events and stops that need a running instance
	timer  *time.Timer // freezes the instance
	frozen []int       // stopped processes, in the order of their stop
}

const (
	pollGrace   = 5 * time.Millisecond // so that events in close succession cause no freeze
	maxUnpolled = 100 * time.Millisecond
)

// initFreezer prepares the freezer.
func (r *Runner) initFreezer() {
	f := &r.freezer
	f.on, f.pollGrace, f.unpolled = r.server.fn.Freeze, pollGrace, maxUnpolled
	f.timer = time.AfterFunc(time.Hour, r.freeze)
	f.timer.Stop()
}

// keepAwake resumes the instance and keeps it running until release is called.
func (r *Runner) keepAwake() (release func()) {
	f := &r.freezer
	if !f.on {
		return func() {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awake++
	f.timer.Stop()
	f.resume()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.awake--
		r.scheduleFreeze()
	}
}

// scheduleFreeze starts the timer, unless the instance is frozen or must run.
func (r *Runner) scheduleFreeze() {
	f := &r.freezer
	switch idle, waiting := r.server.idle(); {
	case f.awake > 0 || f.frozen != nil || !idle:
	case waiting:
		f.timer.Reset(f.pollGrace)
	default:
		f.timer.Reset(f.unpolled)
	}
}

// notePoll schedules the freeze when the runtime waits.
func (r *Runner) notePoll() {
	if r.freezer.on {
		r.freezer.mu.Lock()
		defer r.freezer.mu.Unlock()
		r.scheduleFreeze()
	}
}

// freeze freezes the instance, unless something has happened since the timer was
// started.
func (r *Runner) freeze() {
	f := &r.freezer
	f.mu.Lock()
	defer f.mu.Unlock()
	i := r.instance.Load()
	if idle, _ := r.server.idle(); i != nil && idle && f.awake == 0 && f.frozen == nil {
		f.frozen = i.suspend()
	}
}

// resume resumes the stopped processes, children first, so that no parent sees
// a stopped child.
func (f *freezer) resume() {
	for _, pid := range slices.Backward(f.frozen) {
		_ = syscall.Kill(pid, syscall.SIGCONT) // ESRCH: somebody has killed it
	}
	f.frozen = nil
}

// suspend stops all processes of the instance, and returns those that were
// running.
func (i *instance) suspend() (stopped []int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reaped {
		return nil
	}
	already := slices.DeleteFunc(i.processes(), func(pid int) bool { return procfs.ReadStat(pid).State != 'T' })
	return slices.DeleteFunc(halt(i.processes), func(pid int) bool { return slices.Contains(already, pid) })
}

// processes lists the processes of the instance, parents before their children.
func (i *instance) processes() []int {
	return append(withDescendants(i.pid()), markedTree(i.mark)...)
}

// idle reports whether the instance is ready and has no event. waiting is true
// if its runtime and its extensions also wait for the next one.
func (s *Server) idle() (idle, waiting bool) {
	s.update(func(m *machine, _ time.Time) { idle, waiting = m.isIdle(), m.isWaiting() })
	return idle, waiting
}

// isIdle reports whether the instance is ready and no event is in the queue.
func (m *machine) isIdle() bool { return m.phase == ready && len(m.queue) == 0 }

// isWaiting reports whether the instance is idle and asks for the next event.
func (m *machine) isWaiting() bool { return m.isIdle() && len(m.heldPolls) > 0 && m.extensionsReady() }
