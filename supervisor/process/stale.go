package process

import (
	"os"
	"slices"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// KillStale kills the processes of an earlier bootstrap in this sandbox that was
// killed before it could stop them. It returns their pids.
func KillStale() []int { return processes.killStale() }

// killStale kills the leftovers of a killed bootstrap: a platform may start the
// next one in the same sandbox, where the old processes hold ports and memory.
// A process is killed only if it has a mark whose bootstrap has exited, runs as
// our user, and lives in our PID namespace.
func (r *registry) killStale() (killed []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sandbox.explore()
	if r.sandbox.marker == nil || !r.sandbox.hasProc {
		return nil
	}
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		found := r.stale()
		if len(found) == 0 {
			break
		}
		for _, pid := range found {
			if syscall.Kill(pid, syscall.SIGKILL) == nil && !slices.Contains(killed, pid) {
				killed = append(killed, pid)
			}
		}
	}
	return killed
}

// stale lists the living processes whose mark belongs to a bootstrap that has
// exited.
func (r *registry) stale() (pids []int) {
	all, _ := procfs.Pids()
	runs := r.foreignRuns(all)
	if len(runs) == 0 {
		return nil
	}
	// A bootstrap has its mark before its processes have theirs: one that started
	// while the marks were read shows it by now.
	alive := r.livingRuns(all)
	for pid, run := range runs {
		if !alive[run] && procfs.ReadStat(pid).Living() && sameUser(pid) && procfs.SameNamespace(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// foreignRuns returns the run numbers of the processes that have a mark of another
// bootstrap.
func (r *registry) foreignRuns(pids []int) map[int]uint32 {
	runs := map[int]uint32{}
	for _, pid := range pids {
		m, ok := r.sandbox.marker.read(pid)
		if ok && m.run&runUnknown == 0 && m.run != r.sandbox.run && m.run != r.sandbox.inherited.run {
			runs[pid] = m.run
		}
	}
	return runs
}

// livingRuns returns the run numbers of all living processes that may be a
// bootstrap. Reading the Stat of every process would take 20 µs for each process of
// the machine.
func (r *registry) livingRuns(pids []int) map[uint32]bool {
	runs := map[uint32]bool{}
	for _, pid := range pids {
		if !r.sandbox.marker.mayRun(pid) {
			continue
		}
		if s := procfs.ReadStat(pid); s.Living() {
			runs[runNumber(s)] = true
		}
	}
	return runs
}

func sameUser(pid int) bool { return procfs.User(pid) == os.Geteuid() }
