package process

import (
	"iter"
	"os"
	"syscall"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// A process is lost when its parent has exited: then nothing needs it any
// more. Where we adopt orphans the lost processes are those of our children
// that are not a Process. Elsewhere they are the processes with our mark that
// have no parents up to a Process.

// children lists our children, zombies too.
func (r *registry) children() []int {
	if r.sandbox.hasProc {
		return procfs.OurChildren()
	}
	return r.childrenByNumber()
}

// defaultPIDMax is how many numbers the kernel gives to processes until it begins
// again, where nobody has raised that.
const defaultPIDMax = 32 << 10

// candidatePIDs are those that processes may have which started after our first one.
// Numbers above the usual ones do not begin again soon.
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

// childrenByNumber tries numbers, as nothing lists processes. The kernel tells
// whether a number is that of a child.
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

// orphansByNumber tries the same numbers where we do not adopt orphans either. A
// process is lost when the one that we started with its mark has exited. A
// zombie looks like a living process, so each is found once.
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

// noteKilled keeps the processes that were killed from being found again where
// nothing tells a zombie from a living process.
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

// A scan is one look at all processes.
type scan struct {
	*registry
	stats  map[int]procfs.Stat
	unsure bool // there may be more: a process has just exited, or loads a program
}

// stat reads a process once.
func (s *scan) stat(pid int) procfs.Stat {
	found, ok := s.stats[pid]
	if !ok {
		found = procfs.ReadStat(pid)
		s.stats[pid] = found
	}
	return found
}

// markedOrphans lists the processes that carry our mark and have lost their parents,
// those of all owners. Zombies are noted, not listed: only their parent can reap
// them. A process that has exited since it was listed, or since the last look,
// may have started another meanwhile, so the look is not sure then.
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

// isOrphan reports whether a process has our mark, and no parents up to one of our
// own.
func (s *scan) isOrphan(pid int) bool { return s.marked(pid) && !s.hasProcessAncestor(pid) }

// marked reports whether a process is ours by its mark.
func (s *scan) marked(pid int) bool {
	if s.isProcess(pid) || pid == os.Getpid() {
		return false
	}
	if _, ok := s.sandbox.marker.(environMarker); ok {
		if environ := procfs.Environ(pid); len(environ) > 0 {
			m, ok := markIn(environ)
			return ok && m.run == s.sandbox.run
		}
		return s.markedWithoutEnvironment(pid)
	}
	m, ok := s.sandbox.marker.read(pid)
	s.unsure = s.unsure || !ok && syscall.Kill(pid, 0) == syscall.ESRCH
	return ok && m.run == s.sandbox.run
}

// markedWithoutEnvironment reports whether a process that shows no environment counts
// as ours: a zombie of process 1 does. One that is loading a program will show
// its environment soon.
func (s *scan) markedWithoutEnvironment(pid int) bool {
	const kthreadd = 2 // the parent of the kernel's own
	stat := s.stat(pid)
	if pid != kthreadd && stat.Parent != kthreadd && (stat.State == 0 || stat.Busy() && procfs.Loading(pid)) {
		s.unsure = true
	}
	return stat.State == 'Z' && stat.Parent == 1
}

// hasProcessAncestor reports whether a process has parents up to one of our own.
func (s *scan) hasProcessAncestor(pid int) bool {
	for range len(s.stats) + 64 { // a chain that changes while it is read must end, too
		if pid = s.stat(pid).Parent; pid <= 1 || pid == os.Getpid() {
			return false
		}
		if s.isProcess(pid) {
			return true
		}
	}
	return false
}
