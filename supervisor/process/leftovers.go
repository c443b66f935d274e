package process

import (
	"slices"
	"syscall"
	"time"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// Leftovers lists the living processes that an owner has left behind.
func Leftovers(of Owner) []int { return processes.leftovers(of) }

// KillLeftovers kills all processes that an owner has left behind. It returns
// those that remain when no new one has appeared for as long as the limit.
func KillLeftovers(of Owner, limit time.Duration) (left []int) {
	return processes.killLeftovers(of, limit)
}

// HasLeftovers reports whether the owner of the process may have left living
// processes behind. It returns true where the sandbox cannot tell.
func (p *Process) HasLeftovers() bool {
	return !FindsLeftovers() || len(processes.leftovers(p.owner)) > 0
}

// KillLeftovers kills what the owner of the process has left behind.
func (p *Process) KillLeftovers() { _ = processes.killLeftovers(p.owner, killTimeout) }

// leftovers lists the living processes that an owner has left behind.
func (r *registry) leftovers(of Owner) (pids []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pid := range r.children() {
		if !r.isProcess(pid) {
			if _, dead := wait(pid); !dead && r.owns(of, pid) == yes {
				pids = append(pids, pid)
			}
		}
	}
	lost, _ := r.markedOrphansOf(of)
	return append(pids, lost...)
}

// markedOrphansOf lists the marked orphans of an owner. It reports whether
// there may be more, because a process did not show its mark.
func (r *registry) markedOrphansOf(of Owner) (pids []int, unsure bool) {
	if r.sandbox.adopts() {
		return nil, false // adopted: listed among our children
	}
	pids, unsure = r.markedOrphans()
	return slices.DeleteFunc(pids, func(pid int) bool { return r.owns(of, pid) == no }), unsure
}

// leftoversBusy reports whether a leftover of an owner, or a descendant of one,
// wants a processor, and how much processor time each has used. It returns true
// where leftovers cannot be found.
func (r *registry) leftoversBusy(of Owner) (busy bool, used map[int]time.Duration) {
	used = map[int]time.Duration{}
	if !FindsLeftovers() {
		return true, used
	}
	for _, orphan := range r.leftovers(of) {
		for _, pid := range append(procfs.Descendants(orphan), orphan) {
			stat := procfs.ReadStat(pid)
			busy = busy || stat.Busy() || stat.State == 0 // exited, or hidden
			used[pid] = stat.CPU
		}
	}
	return busy, used
}

// loadTime bounds how long a process shows no environment while it loads a
// program. The machine may be busy.
const loadTime = 100 * time.Millisecond

// killLeftovers kills what an owner has left behind, until a check after the
// last kill finds nothing. It returns the processes that remain when no new one
// has appeared for as long as the limit. The children of a killed leftover
// become leftovers in turn.
func (r *registry) killLeftovers(of Owner, limit time.Duration) (left []int) {
	began, seen := time.Now(), map[int]bool{}
	for round := 1; ; round++ {
		var unsure bool
		left, unsure = r.killRound(of, round)
		if slices.ContainsFunc(left, func(pid int) bool { return !seen[pid] }) && round < maxRounds {
			began = time.Now()
		}
		for _, pid := range left {
			seen[pid] = true
		}
		took := time.Since(began)
		if len(left) == 0 && (!unsure || took > loadTime) || took > limit {
			return left
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// maxRounds is how many rounds may extend the limit of killLeftovers because new
// processes appeared.
const maxRounds = 1000

// killRound kills the leftovers that it finds, and reaps the dead. A leftover that
// it reaps counts as found, because its children may not have been in the list yet.
// unsure means that the owner of a process is not known yet.
func (r *registry) killRound(of Owner, round int) (found []int, unsure bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killRoundLocked(of, round)
}

// killRoundLocked is killRound with the lock held.
func (r *registry) killRoundLocked(of Owner, round int) (found []int, unsure bool) {
	if !r.sandbox.adopts() {
		found, unsure = r.killMarkedOrphans(of, round)
	}
	if _, err := hasExited(unix.P_ALL, 0); err == syscall.ECHILD {
		return found, unsure // no children: the common case, and the cheap one
	}
	for _, pid := range r.children() {
		if r.isProcess(pid) {
			continue
		}
		switch r.killLeftover(pid, of, round) {
		case yes:
			found = append(found, pid)
		case unknown:
			unsure = true
		}
	}
	return found, unsure
}

// killLeftover kills a leftover of the owner and reaps it once it is dead, and
// reports whether the process was a leftover. A dead process does not show its
// owner: its group is killed only for Anybody. From the second round on the
// descendants are killed too, as they might fork faster than one generation after
// the other is killed.
func (r *registry) killLeftover(pid int, of Owner, round int) answer {
	if of != Anybody {
		if _, dead := wait(pid); dead {
			return yes
		}
		if owns := r.owns(of, pid); owns != yes {
			return owns
		}
	}
	var below []int
	if round > 1 {
		below = procfs.Descendants(pid)
	}
	for _, pid := range append(below, pid) {
		r.kill(pid)
	}
	wait(pid)
	return yes
}

// kill kills an orphan and its group, as the members might fork faster than
// they are killed one by one. It spares the group of a Process, our own group,
// and that of init, as kill(-1) means all processes.
func (r *registry) kill(pid int) {
	group, err := syscall.Getpgid(pid)
	if err == nil && r.mayKillGroup(group) {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // ESRCH: it has exited
}

func (r *registry) mayKillGroup(group int) bool {
	return group > 1 && group != syscall.Getpgrp() && !r.isProcess(group)
}

// killMarkedOrphans kills the marked orphans of an owner. From the second round
// on it stops all of them first: a stopped process cannot fork, so a fork bomb
// loses.
func (r *registry) killMarkedOrphans(of Owner, round int) (found []int, unsure bool) {
	found, unsure = r.markedOrphansOf(of)
	for stopped := 0; round > 1 && stopped < len(found); {
		stopped = len(found)
		for _, pid := range found {
			r.signalMarked(pid, syscall.SIGSTOP)
		}
		found, unsure = r.markedOrphansOf(of)
	}
	for group := range r.groupsOf(found) {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	for _, pid := range found {
		r.signalMarked(pid, syscall.SIGKILL)
	}
	r.noteKilled(found)
	return found, unsure
}

// groupsOf returns those groups of the processes that have only orphans as
// living members, so that each may be killed as a whole.
func (r *registry) groupsOf(pids []int) map[int]bool {
	groups := map[int]bool{}
	if len(pids) == 0 {
		return groups
	}
	for _, pid := range pids {
		if group, err := syscall.Getpgid(pid); err == nil && r.mayKillGroup(group) {
			groups[group] = true
		}
	}
	all, _ := procfs.Pids() // no /proc: no group is known to be complete
	if len(all) == 0 {
		return nil
	}
	s := r.newScan()
	for _, pid := range all {
		group, err := syscall.Getpgid(pid)
		if err == nil && groups[group] && !slices.Contains(pids, pid) && s.stat(pid).Living() && !s.isOrphan(pid) {
			delete(groups, group)
		}
	}
	return groups
}

// signalMarked signals a process if it still has our mark. It is not our child,
// so another process might have its number by now; but between this check and
// the signal the kernel would have to use all other numbers first.
func (r *registry) signalMarked(pid int, sig syscall.Signal) {
	if m, ok := r.sandbox.marker.read(pid); ok && m.run == r.sandbox.run {
		_ = syscall.Kill(pid, sig) // ESRCH: it has exited
	}
}

// killAll kills every Process and all leftovers. It returns when all are dead,
// or after the limit. The lock must be held.
func (r *registry) killAll(limit time.Duration) {
	deadline := time.Now().Add(limit)
	for round := 1; time.Now().Before(deadline); round++ {
		living := r.killProcesses()
		if found, _ := r.killRoundLocked(Anybody, round); !living && len(found) == 0 {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// killProcesses kills every Process with its group, and reports whether one
// still lives. The waiters of the dead reap them.
func (r *registry) killProcesses() (living bool) {
	for pid := range r.starts {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // ESRCH: the group is empty
		_ = syscall.Kill(pid, syscall.SIGKILL)  // it may have left its group
		if dead, err := hasExited(unix.P_PID, pid); !dead && err == nil {
			living = true
		}
	}
	return living
}

// KillAll kills all processes that were started, and what they have left
// behind. It is for a runtime that is about to exit: it keeps the lock, so that
// later starts and reaps block.
func KillAll() {
	processes.mu.Lock() // never unlocked
	processes.killAll(time.Second)
}
