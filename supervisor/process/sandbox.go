package process

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"bootstrap/internal/procfs"
)

// A sandbox is what this system lets us do to find, count and stop processes.
// Nothing of it is assumed: every ability is tried, and any error means that
// it is not there.
type sandbox struct {
	explored bool
	adoption error       // why orphans do not become our children; nil: they do
	marker   marker      // finds what we started; nil: there is none
	hasProc  bool        // /proc lists processes
	noWaitid atomic.Bool // the kernel refuses waitid
	grouping int         // how a process gets a group of its own: index of groupings

	run       uint32 // names our run in marks
	inherited mark   // ours when we started
}

// groupings are the ways to give a child a process group of its own, best
// first. A child in our own group can only be signalled alone.
var groupings = []syscall.SysProcAttr{{Setpgid: true}, {Setsid: true}, {}}

// explore tries the abilities that are needed before the first process starts.
func (s *sandbox) explore() {
	if s.explored {
		return
	}
	s.explored = true
	s.adoption = becomeSubreaper()
	if os.Getpid() == 1 {
		s.adoption = nil // process 1 adopts all orphans
	}
	_, s.hasProc = procfs.Pids()
	s.marker, s.inherited = findMarker()
	s.run = runNumber(procfs.ReadStat(os.Getpid()))
}

// adopts reports whether orphans become our children.
func (s *sandbox) adopts() bool { return s.adoption == nil }

// findsLeftovers reports whether all can be found that a command leaves
// behind. Without adoption that takes a mark, and /proc to tell what a resident
// process has lost from what it still needs.
func (s *sandbox) findsLeftovers() bool { return s.adopts() || s.marker != nil && s.hasProc }

// refused reports whether the error says that the sandbox does not let us do
// something, as opposed to a result of doing it.
func refused(err error) bool {
	return slices.Contains([]error{syscall.EPERM, syscall.ENOSYS, syscall.EINVAL, syscall.EACCES}, err)
}

// FindsLeftovers reports whether the runtime can find the processes that an
// event leaves behind. Where it cannot, a resident shell must not serve two
// events: a process of the first would write into the result of the second.
func FindsLeftovers() bool {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	processes.sandbox.explore()
	return processes.sandbox.findsLeftovers()
}

// showsCPUTimes reports whether leftovers can be found, and what processor time
// they use.
func showsCPUTimes() bool {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	return processes.sandbox.findsLeftovers() && processes.sandbox.hasProc
}

// A Sandbox describes what this system lets the runtime do.
type Sandbox struct {
	Adoption error  // why orphans do not become our children; nil: they do
	Mark     string // what marks the processes of the function; empty: nothing can
	HasProc  bool   // /proc lists processes
}

// Explore tries what this system lets the runtime do.
func Explore() Sandbox {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	s := &processes.sandbox
	s.explore()
	found := Sandbox{Adoption: s.adoption, HasProc: s.hasProc}
	if s.marker != nil {
		found.Mark = s.marker.String()
	}
	return found
}

// Missing names the abilities that are not there, and says what follows. Both
// are empty where nothing is missing that matters.
func (s Sandbox) Missing() (missing, instead string) {
	var lacks []string
	if s.Adoption != nil {
		lacks = append(lacks, "adopting orphans ("+s.Adoption.Error()+")")
	}
	if !s.HasProc {
		lacks = append(lacks, "/proc")
	}
	if s.Adoption != nil && s.Mark == "" {
		lacks = append(lacks, "marking processes")
	}
	return strings.Join(lacks, ", "), s.instead()
}

func (s Sandbox) instead() string {
	const oneEvent = "a resident shell serves one event only"
	switch {
	case s.Adoption == nil && s.HasProc:
		return ""
	case s.Adoption == nil:
		return "processes that events leave behind are looked for by number"
	case s.Mark == "":
		return "a process that leaves its group outlives its event; " + oneEvent
	case s.HasProc:
		return "processes that events leave behind are found by a mark (" + s.Mark + ")"
	default:
		return "processes that events leave behind are found by a mark (" + s.Mark + "), those of resident programs when these exit; " + oneEvent
	}
}
