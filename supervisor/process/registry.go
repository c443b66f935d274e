package process

import (
	"cmp"
	"context"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processes registers which of our children are Processes; the others are
// orphans of the user's code. It is the only variable state of the package,
// because our children belong to the whole program, too.
var processes = registry{starts: map[int]uint16{}, reapedEarly: map[int]exit{}, killed: map[int]mark{}}

type registry struct {
	// mu makes these one step each: fork and register, reap and forget, check
	// and reap, list and kill. So a child is never signalled once another
	// process may have its pid, and no status is taken from its waiter.
	mu sync.Mutex

	starts      map[int]uint16 // by pid: the start in the mark of each Process that is not reaped yet, never 0
	sandbox     sandbox
	owners      []Owner      // the place of an owner, from 1 on, is its number in marks
	lastStart   uint16       // counts the started processes, in 12 bits
	firstPID    int          // pid of the first Process; 0: none was started
	killed      map[int]mark // see noteKilled
	reapedEarly map[int]exit // exits of Processes that only reaping them could show
	zombies     map[int]bool // zombies that only process 1 can reap, as of the last scan
	warned      bool         // about the zombies
	failedForks int          // how many forks in a row failed for lack of memory
}

// isProcess reports whether a pid is that of a Process that is not reaped yet.
func (r *registry) isProcess(pid int) bool { return r.starts[pid] != 0 }

// An exit is what the kernel reports about a reaped process.
type exit struct {
	status syscall.WaitStatus
	usage  syscall.Rusage
}

// start forks a process of an owner. The mark is set under the lock, so that
// the process has it from its first instruction on.
func (r *registry) start(of Owner, env []string, fork func(env []string, sys *syscall.SysProcAttr) (int, error)) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sandbox.explore()
	r.lastStart = r.lastStart%(1<<12-1) + 1
	if r.sandbox.marker != nil {
		m := mark{r.sandbox.run, r.ownerNumber(of), r.lastStart}
		_ = r.sandbox.marker.set(m) // it worked in findMarker
		defer r.sandbox.marker.set(mark{run: r.sandbox.run, start: ourStart})
		env = r.sandbox.marker.environ(env, m)
	}
	pid, err := r.fork(env, fork)
	if err == nil {
		r.starts[pid], r.failedForks = r.lastStart, 0
		r.firstPID = cmp.Or(r.firstPID, pid)
	}
	return pid, err
}

// fork tries the ways to give the child a group of its own, beginning with the one
// that worked last. At the process limit it reaps orphans and tries once more.
func (r *registry) fork(env []string, fork func(env []string, sys *syscall.SysProcAttr) (int, error)) (pid int, err error) {
	for way := r.sandbox.grouping; way < len(groupings); way++ {
		sys := groupings[way]
		pid, err = fork(env, &sys)
		if err == syscall.EAGAIN && r.reapDead() > 0 {
			pid, err = fork(env, &sys)
		}
		if err == nil {
			r.sandbox.grouping = way
		}
		if !refused(err) {
			break
		}
	}
	return pid, err
}

// reap takes the status of a Process. A process that could not be killed (it hangs
// in a system call, or runs as another user) is given up: it counts as killed, and
// as an orphan from then on. peak is the maximum memory, in bytes, of the process
// and of each child that it has waited for.
func (r *registry) reap(pid int) (status syscall.WaitStatus, peak int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.starts, pid)
	got, ok := r.reapedEarly[pid]
	if !ok {
		got, ok = wait(pid)
	}
	delete(r.reapedEarly, pid)
	if !ok {
		got.status = syscall.WaitStatus(syscall.SIGKILL)
	}
	return got.status, int(got.usage.Maxrss) << 10
}

// exited reports whether a Process has exited. It stays a zombie, so that its
// pid and the id of its group stay taken. Where the kernel refuses waitid it is
// reaped, and another group may get the id once the group is empty.
func (r *registry) exited(pid int) bool {
	if !r.sandbox.noWaitid.Load() {
		dead, err := hasExited(unix.P_PID, pid)
		if err == nil || err == syscall.ECHILD {
			return dead || err != nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sandbox.noWaitid.Store(true)
	got, ok := wait(pid)
	if ok {
		r.reapedEarly[pid] = got
	}
	return ok
}

// wait reaps a child that has exited. It does not block.
func wait(pid int) (got exit, ok bool) {
	for {
		found, err := syscall.Wait4(pid, &got.status, syscall.WNOHANG, &got.usage)
		if err != syscall.EINTR {
			return got, found == pid
		}
	}
}

// reapOrphans reaps all orphans that have exited. Without one it costs one
// system call.
func (r *registry) reapOrphans() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if dead, err := hasExited(unix.P_ALL, 0); err == nil && dead {
		r.reapDead()
	}
}

// reapDead reaps all orphans that have exited and returns their number. It asks
// each child, as a zombie Process may hide the others from waitid. The lock
// must be held.
func (r *registry) reapDead() (reaped int) {
	for _, pid := range r.children() {
		if !r.isProcess(pid) {
			if _, dead := wait(pid); dead {
				reaped++
			}
		}
	}
	return reaped
}

// idleReapInterval is the pause between two checks of Reap. Tests shorten it.
var idleReapInterval = time.Second

// Reap reaps orphans while no Pump does, until ctx ends. It does not use
// SIGCHLD: each exit, above all that of a command, would cost two thread
// switches in the middle of an event.
func Reap(ctx context.Context) error {
	tick := time.NewTicker(idleReapInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			processes.reapOrphans()
		}
	}
}
