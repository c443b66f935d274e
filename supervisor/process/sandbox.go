package process

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"bootstrap/internal/procfs"
)

// A sandbox holds what this system lets us do to find, count and kill
// processes. Every ability is tried; any error means that it is missing.
type sandbox struct {
	explored bool
	unusable error       // why processes cannot be run at all; nil: they can
	adoption error       // why orphans do not become our children; nil: they do
	marker   marker      // nil: processes cannot be marked
	hasProc  bool        // /proc lists processes
	noWaitid atomic.Bool // the kernel refuses waitid
	grouping int         // index in groupings of the way that works

	run       uint32 // identifies our run in marks
	inherited mark   // our own mark when we started
}

// groupings are the ways to give a child a process group of its own, best
// first. A child that stays in our group can only be signalled alone.
var groupings = []syscall.SysProcAttr{{Setpgid: true}, {Setsid: true}, {}}

// explore tries the abilities that are needed before the first process starts.
func (s *sandbox) explore() {
	if s.explored {
		return
	}
	s.explored = true
	if _, err := syscall.Wait4(os.Getpid(), nil, syscall.WNOHANG, nil); refused(err) { // ECHILD: it is allowed
		s.unusable = fmt.Errorf("this sandbox refuses the system call wait4: %w", err)
	}
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

// findsLeftovers reports whether all leftovers of a command can be found.
// Without adoption that takes a mark, and /proc to tell the orphans of a
// resident process from its descendants.
func (s *sandbox) findsLeftovers() bool { return s.adopts() || s.marker != nil && s.hasProc }

// refused reports whether an error means that the sandbox forbids an operation.
func refused(err error) bool {
	return slices.Contains([]error{syscall.EPERM, syscall.ENOSYS, syscall.EINVAL, syscall.EACCES}, err)
}

// Usable returns nil, or why this system does not let the runtime run processes.
func Usable() error {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	processes.sandbox.explore()
	return processes.sandbox.unusable
}

// FindsLeftovers reports whether the runtime can find the processes that an
// event leaves behind. If not, a resident shell must not serve two events: a
// process of the first would write into the result of the second.
func FindsLeftovers() bool {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	processes.sandbox.explore()
	return processes.sandbox.findsLeftovers()
}

// showsCPUTimes reports whether leftovers can be found together with their
// processor time.
func showsCPUTimes() bool {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	return processes.sandbox.findsLeftovers() && processes.sandbox.hasProc
}

// Abilities are what this system lets the runtime do.
type Abilities struct {
	Adoption error  // why orphans do not become our children; nil: they do
	Mark     string // what marks the processes of the function; empty: nothing can
	HasProc  bool   // /proc lists processes
}

// Explore tries what this system lets the runtime do.
func Explore() Abilities {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	s := &processes.sandbox
	s.explore()
	found := Abilities{Adoption: s.adoption, HasProc: s.hasProc}
	if s.marker != nil {
		found.Mark = s.marker.String()
	}
	return found
}

// Missing returns the missing abilities and what the runtime does without them.
// Both are empty if nothing relevant is missing.
func (s Abilities) Missing() (missing, instead string) {
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

func (s Abilities) instead() string {
	const oneEvent = "a resident shell serves one event only"
	switch {
	case s.Adoption == nil && s.HasProc:
		return ""
	case s.Adoption == nil:
		return "processes that events leave behind are searched for by pid"
	case s.Mark == "":
		return "a process that leaves its process group outlives its event; " + oneEvent
	case s.HasProc:
		return "processes that events leave behind are found by a mark (" + s.Mark + ")"
	default:
		return "processes that events leave behind are found by a mark (" + s.Mark + "), and those of a resident program only when it exits; " + oneEvent
	}
}
