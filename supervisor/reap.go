package supervisor

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"
)

// children knows which of our children are Processes. All others are orphans
// of the user's code: we are the subreaper, so whatever loses its parent
// becomes our child. It is the one piece of state that belongs to the process
// and not to a value, as children do.
//
// Its lock makes each of these one step: fork and note, reap and forget, look
// and reap, list and kill. So no pid is ever signalled that may be another's,
// and no status is taken from its waiter.
var children = registry{own: map[int]bool{}}

type registry struct {
	mu  sync.Mutex
	own map[int]bool
}

func (r *registry) start(fork func() (int, error)) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := fork()
	if err == nil {
		r.own[pid] = true
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
	delete(r.own, pid)
	var usage syscall.Rusage
	status, ok := waitUsage(pid, &usage)
	if !ok {
		status = syscall.WaitStatus(syscall.SIGKILL)
	}
	return status, int(usage.Maxrss) << 10
}

// wait reaps a child that has exited; it does not block.
func wait(pid int) (syscall.WaitStatus, bool) { return waitUsage(pid, nil) }

func waitUsage(pid int, usage *syscall.Rusage) (status syscall.WaitStatus, ok bool) {
	for {
		got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, usage)
		if err != syscall.EINTR {
			return status, got == pid
		}
	}
}

// reapOrphans reaps those that have exited. It looks before it reaps: behind
// one of our own, which keeps its place until its waiter comes, it sees none.
func (r *registry) reapOrphans() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		pid, err := peek(idAny, 0)
		if err != nil || pid == 0 || r.own[pid] {
			return
		}
		wait(pid)
	}
}

// runReaper reaps orphans that exit while nobody pumps, until ctx ends. It is
// not woken by SIGCHLD: each exit, most of all of a command, would cost two
// switches of threads in the middle of an event.
func runReaper(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			children.orphans(Anybody) // reaps all that are dead, also behind one of our own
		}
	}
}

// LeftBehind reports whether something lives that the process, or another of
// its owner, has lost.
func (p *Process) LeftBehind() bool { return len(children.orphans(p.owner)) > 0 }

// orphans are those of an owner that live.
func (r *registry) orphans(of Owner) (pids []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pid := range pidsOfChildren() {
		if !r.own[pid] {
			if _, dead := wait(pid); !dead && of.owns(pid) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// lively: such an orphan, or what it has started, has something to do.
func (r *registry) lively(of Owner) bool { return slices.ContainsFunc(r.orphans(of), lively) }

func lively(pid int) bool {
	state := runState(pid)
	return state == 'R' || state == 'D' || slices.ContainsFunc(childrenOf(pid), lively)
}

// endOrphans ends all that was left behind by an owner, and returns when it is
// gone, or after the limit, with the pids that would not go. What an orphan
// leaves behind becomes an orphan in turn, so it looks until there is none.
func (r *registry) endOrphans(of Owner, limit time.Duration) (left []int) {
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Microsecond) {
		left = r.killOrphans(of)
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// killOrphans kills those that there are, and reaps the dead. One that it
// reaps counts as found: what that left behind may not have been in the list.
func (r *registry) killOrphans(of Owner) (found []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killFound(of)
}

// killFound is killOrphans, with the lock held.
func (r *registry) killFound(of Owner) (found []int) {
	if _, err := peek(idAny, 0); err == syscall.ECHILD {
		return nil // no children at all: the usual case, and the cheap one
	}
	for _, pid := range pidsOfChildren() {
		if !r.own[pid] && r.end(pid, of) {
			found = append(found, pid)
		}
	}
	return found
}

// end kills an orphan if it is the owner's, and reaps it if it is dead. One that
// is dead does not tell whose it was: its group is killed only where that does
// not matter. It reports whether it was either.
func (r *registry) end(pid int, of Owner) bool {
	if of != Anybody {
		if _, dead := wait(pid); dead {
			return true
		}
		if !of.owns(pid) {
			return false
		}
	}
	r.kill(pid)
	wait(pid)
	return true
}

// kill kills an orphan, with its group unless that is one of our own, or ours,
// or init's (-1 is everybody). One after the other they might fork faster than
// we kill; a group dies at once.
func (r *registry) kill(pid int) {
	group, err := syscall.Getpgid(pid)
	if err == nil && group > 1 && group != syscall.Getpgrp() && !r.own[group] {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // ours and not reaped: the right one
}

// killAll kills all that there is, ours too, and then what that has left behind.
// It returns when all is dead, or after the limit. The lock must be held.
func (r *registry) killAll(limit time.Duration) {
	for deadline := time.Now().Add(limit); r.killOwn() || len(r.killFound(Anybody)) > 0; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			return
		}
	}
}

// killOwn kills our own, with their groups, and reports whether one still
// lives. The dead are left for their waiters.
func (r *registry) killOwn() (living bool) {
	for pid := range r.own {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // none is left: fine
		_ = syscall.Kill(pid, syscall.SIGKILL)  // it may have left its group
		if dead, err := peek(idPid, pid); dead == 0 && err == nil {
			living = true
		}
	}
	return living
}
