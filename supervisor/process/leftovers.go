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

// KillLeftovers kills all that an owner has left behind, and returns the pids of
// those that are still there when no look has found another process for as long
// as the limit.
func KillLeftovers(of Owner, limit time.Duration) (left []int) {
	return processes.killLeftovers(of, limit)
}

// HasLeftovers reports whether a process may live that this one, or another of
// its owner, has left behind. It says yes where this sandbox cannot tell.
func (p *Process) HasLeftovers() bool {
	return !FindsLeftovers() || len(processes.leftovers(p.owner)) > 0
}

// KillLeftovers kills what the process and others of its owner have left
// behind.
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

// markedOrphansOf lists the processes of an owner that are lost. It reports whether
// there may be more: a process did not show its mark.
func (r *registry) markedOrphansOf(of Owner) (pids []int, unsure bool) {
	if r.sandbox.adopts() {
		return nil, false // they are our children
	}
	pids, unsure = r.markedOrphans()
	return slices.DeleteFunc(pids, func(pid int) bool { return r.owns(of, pid) == no }), unsure
}

// leftoversBusy reports whether something that an owner has left behind, or a descendant
// of that, wants a processor, and how much of it each of these has used. Where
// nothing can be found it says that there may be something.
func (r *registry) leftoversBusy(of Owner) (busy bool, used map[int]time.Duration) {
	used = map[int]time.Duration{}
	if !FindsLeftovers() {
		return true, used
	}
	for _, orphan := range r.leftovers(of) {
		for _, pid := range append(procfs.Descendants(orphan), orphan) {
			stat := procfs.ReadStat(pid)
			busy = busy || stat.Busy() || stat.State == 0 // gone, or not to be seen
			used[pid] = stat.CPU
		}
	}
	return busy, used
}

// loadTime is how long a program may take to be loaded, on a busy machine.
const loadTime = 100 * time.Millisecond

// killLeftovers kills all that an owner has left behind, and returns when a look
// after the last kill finds nothing, or with the pids that are still there when
// no look has found another process for as long as the limit. What an orphan
// leaves behind becomes an orphan in turn.
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

// maxRounds is how often endOrphans takes new processes for progress.
const maxRounds = 1000

// killRound kills the orphans that there are, and reaps the dead. A dead one
// that it reaps counts as found, because what that left behind may not have
// been in the list. It reports whether the owner of one is not known yet.
func (r *registry) killRound(of Owner, round int) (found []int, unsure bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killRoundLocked(of, round)
}

// killRoundLocked is killOrphans with the lock held.
func (r *registry) killRoundLocked(of Owner, round int) (found []int, unsure bool) {
	if !r.sandbox.adopts() {
		found, unsure = r.killMarkedOrphans(of, round)
	}
	if _, err := hasExited(unix.P_ALL, 0); err == syscall.ECHILD {
		return found, unsure // no children at all: the usual case, and the cheap one
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

// killLeftover kills an orphan if it is the owner's, and reaps it if it is dead. One that
// is dead does not tell whose it was: its group is killed only where that does
// not matter. It reports whether it was either. From the second round on it
// kills the descendants with it: one generation after the other might fork
// faster than we kill.
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

// kill kills a process that is lost, with its group unless that is one of our
// own, or ours, or init's (-1 is everybody). One after the other they might fork
// faster than we kill; a group dies at once.
func (r *registry) kill(pid int) {
	group, err := syscall.Getpgid(pid)
	if err == nil && r.mayKillGroup(group) {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // gone: fine
}

func (r *registry) mayKillGroup(group int) bool {
	return group > 1 && group != syscall.Getpgrp() && !r.isProcess(group)
}

// killMarkedOrphans kills the processes of an owner that are lost and not our children.
// From the second round on it stops all of them first: a stopped process cannot
// fork, so a fork bomb loses.
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

// groupsOf returns the groups of processes whose other living members are lost,
// too, so that they may be killed as a whole.
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
	all, _ := procfs.Pids() // none without /proc: then no group is known as a whole
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
// so its number might be another's by now; between this look and the signal
// the kernel would have to hand out all other numbers first.
func (r *registry) signalMarked(pid int, sig syscall.Signal) {
	if m, ok := r.sandbox.marker.read(pid); ok && m.run == r.sandbox.run {
		_ = syscall.Kill(pid, sig) // gone: fine
	}
}

// killAll kills all that there is, ours too, and then what that has left behind.
// It returns when all is dead, or after the limit. The lock must be held.
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

// killProcesses kills our own, with their groups, and reports whether one still
// lives. The dead are left for their waiters.
func (r *registry) killProcesses() (living bool) {
	for pid := range r.starts {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // none is left: fine
		_ = syscall.Kill(pid, syscall.SIGKILL)  // it may have left its group
		if dead, err := hasExited(unix.P_PID, pid); !dead && err == nil {
			living = true
		}
	}
	return living
}

// KillAll kills all processes that were started, and what they have left behind.
// It is for a runtime that is about to exit: nothing is started or reaped after
// it, and whoever tries blocks.
func KillAll() {
	processes.mu.Lock() // for good
	processes.killAll(time.Second)
}
