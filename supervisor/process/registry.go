package process

import (
	"cmp"
	"context"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processes knows which of our children are Processes. All others are orphans
// of the user's code. It is the one piece of state that belongs to the process
// and not to a value, as children do.
//
// Its lock makes each of these one step: fork and note, reap and forget, look
// and reap, list and kill. So a child's pid is never signalled once it may be
// another's, and no status is taken from its waiter.
var processes = registry{starts: map[int]uint16{}, reapedEarly: map[int]exit{}, killed: map[int]mark{}}

type registry struct {
	mu          sync.Mutex
	starts      map[int]uint16 // and the start in their marks, which is not 0
	sandbox     sandbox
	owners      []Owner      // their numbers in marks are their places here, from 1 on
	lastStart   uint16       // how many processes were started, in 12 bits
	firstPID    int          // pid of the first one; 0: none was started
	killed      map[int]mark // see noteKilled
	reapedEarly map[int]exit // of our own that had to be reaped to see that they have exited
	zombies     map[int]bool // that only process 1 could reap, at the last look
	warned      bool         // of many of them
	failedForks int          // how many forks in a row found no memory
}

// isProcess reports whether a pid is that of a Process that is not reaped yet.
func (r *registry) isProcess(pid int) bool { return r.starts[pid] != 0 }

// An exit is what the kernel says when a process is reaped.
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
		_ = r.sandbox.marker.set(m) // worked when it was tried
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

// fork tries the ways to give the child a group of its own, from the one that
// worked last on. Where there are no processes left it reaps what has died, and
// tries once more.
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

// reap takes the status of one of our own. If it cannot be ended (the kernel
// holds it in a device's call, or it runs as another user) we give it up: it
// is an orphan like others then, and counts as killed. peak is the memory of the
// largest process among it and those that it has waited for, in bytes.
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

// exited reports whether one of our own has exited. It stays a zombie, so that
// its pid and its group's stay taken, but where the kernel refuses waitid: there
// it is reaped, and the number of an empty group may become another's.
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

// wait reaps a child that has exited; it does not block.
func wait(pid int) (got exit, ok bool) {
	for {
		found, err := syscall.Wait4(pid, &got.status, syscall.WNOHANG, &got.usage)
		if err != syscall.EINTR {
			return got, found == pid
		}
	}
}

// reapOrphans reaps those that have exited. Mostly none has, and to see that
// costs one system call.
func (r *registry) reapOrphans() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if dead, err := hasExited(unix.P_ALL, 0); err == nil && dead {
		r.reapDead()
	}
}

// reapDead reaps all orphans that have exited, also those behind one of our
// own, and returns how many. The lock must be held.
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

// Reap reaps orphans that exit while nobody pumps, until ctx ends. It is
// not woken by SIGCHLD: each exit, most of all of a command, would cost two
// switches of threads in the middle of an event.
func Reap(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
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
