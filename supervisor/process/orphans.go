package process

import (
	"iter"
	"os"
	"syscall"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// An orphan is a process whose parent has exited. Where the runtime adopts
// orphans, they are its children that are not a Process. Elsewhere they are the
// processes with its mark that have no ancestor among the Processes.

// children lists our children, including zombies.
func (r *registry) children() []int {
	if r.sandbox.hasProc {
		return procfs.OurChildren()
	}
	return r.childrenByNumber()
}

// defaultPIDMax is the default of /proc/sys/kernel/pid_max, after which the
// kernel reuses numbers.
const defaultPIDMax = 32 << 10

// candidatePIDs yields the numbers that processes started after our first one
// may have. A number above the default maximum is not reused soon.
func (r *registry) candidatePIDs() iter.Seq[int] {
	from := r.firstPID
	if from < defaultPIDMax {
		from = 2
	}
	return func(yield func(int) bool) {
		for pid := from; r.firstPID > 0 && pid < r.firstPID+defaultPIDMax && yield(pid); pid++ {
		}
	}
}

// childrenByNumber tries all candidates where /proc does not list processes.
// waitid tells whether a number is that of a child.
func (r *registry) childrenByNumber() (pids []int) {
	if _, err := hasExited(unix.P_ALL, 0); err == syscall.ECHILD {
		return nil
	}
	for pid := range r.candidatePIDs() {
		if _, err := hasExited(unix.P_PID, pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// orphansByNumber tries all candidates where orphans are not adopted either. A
// process is an orphan when the Process with the same mark has exited. A zombie
// looks like a living process here, so each is found only once.
func (r *registry) orphansByNumber() (pids []int) {
	if _, limit := r.sandbox.marker.(limitMarker); !limit {
		return nil
	}
	running := map[uint16]bool{ourStart: true}
	for _, start := range r.starts {
		running[start] = true
	}
	for pid := range r.candidatePIDs() {
		m, ok := r.sandbox.marker.read(pid)
		if ok && m.run == r.sandbox.run && !running[m.start] && r.killed[pid] != m {
			pids = append(pids, pid)
		}
	}
	return pids
}

// noteKilled keeps killed processes from being found again where a zombie looks
// like a living process.
func (r *registry) noteKilled(pids []int) {
	if r.sandbox.hasProc {
		return
	}
	for _, pid := range pids {
		if m, ok := r.sandbox.marker.read(pid); ok {
			r.killed[pid] = m
		}
	}
}

// A scan is one pass over all processes.
type scan struct {
	*registry
	stats  map[int]procfs.Stat
	unsure bool // there may be more orphans: a process has just exited, or loads a program
}

// stat reads the Stat of a process, once.
func (s *scan) stat(pid int) procfs.Stat {
	found, ok := s.stats[pid]
	if !ok {
		found = procfs.ReadStat(pid)
		s.stats[pid] = found
	}
	return found
}

// markedOrphans lists the orphans with our mark, of all owners. Zombies are
// counted but not listed: only their parent can reap them. A process that has
// exited since it was listed, or since the last scan, may have started another,
// so the result is unsure.
func (r *registry) markedOrphans() (pids []int, unsure bool) {
	if r.sandbox.marker == nil {
		return nil, false
	}
	if !r.sandbox.hasProc {
		return r.orphansByNumber(), false
	}
	all, _ := procfs.Pids()
	s, before := r.newScan(), r.zombies
	r.zombies = map[int]bool{}
	for _, pid := range all {
		if !s.isOrphan(pid) {
			continue
		}
		switch stat := s.stat(pid); {
		case stat.State == 'Z':
			r.zombies[pid] = true
			s.unsure = s.unsure || !before[pid]
		case stat.Living():
			pids = append(pids, pid)
		default:
			s.unsure = true
		}
	}
	return pids, s.unsure
}

func (r *registry) newScan() *scan { return &scan{registry: r, stats: map[int]procfs.Stat{}} }

// isOrphan reports whether a process has our mark and no ancestor that is a
// Process.
func (s *scan) isOrphan(pid int) bool { return s.marked(pid) && !s.hasProcessAncestor(pid) }

// marked reports whether a process has our mark.
func (s *scan) marked(pid int) bool {
	if s.isProcess(pid) || pid == os.Getpid() {
		return false
	}
	if l, ok := s.sandbox.marker.(limitMarker); ok {
		m, ok, err := l.lookUp(pid)
		s.unsure = s.unsure || err == syscall.ESRCH
		return ok && m.run == s.sandbox.run
	}
	if environ := procfs.Environ(pid); len(environ) > 0 {
		m, ok := markIn(environ)
		return ok && m.run == s.sandbox.run
	}
	return s.markedWithoutEnvironment(pid)
}

// markedWithoutEnvironment reports whether a process that shows no environment
// counts as marked: only a zombie of process 1 does. A process that loads a
// program will show its environment soon.
func (s *scan) markedWithoutEnvironment(pid int) bool {
	const kthreadd = 2 // the parent of kernel threads
	stat := s.stat(pid)
	if pid != kthreadd && stat.Parent != kthreadd && (stat.State == 0 || stat.Busy() && procfs.Loading(pid)) {
		s.unsure = true
	}
	return stat.State == 'Z' && stat.Parent == 1
}

// hasProcessAncestor reports whether a Process is among the ancestors of a
// process.
func (s *scan) hasProcessAncestor(pid int) bool {
	for range len(s.stats) + 64 { // bounded, as the ancestors may change meanwhile
		if pid = s.stat(pid).Parent; pid <= 1 || pid == os.Getpid() {
			return false
		}
		if s.isProcess(pid) {
			return true
		}
	}
	return false
}
