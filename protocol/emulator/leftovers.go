package emulator

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// All processes of an instance inherit a variable with the port of the runtime
// API. No other server has that port, so the variable marks the processes even
// after they have left the group and lost their parents.

// Mark returns the variable that marks the processes of the instances, as
// NAME=value.
func (s *Server) Mark() string {
	i := slices.IndexFunc(s.platform.Environment, func(pattern string) bool { return strings.Contains(pattern, "${port}") })
	return s.fill.Replace(s.platform.Environment[i]) // every platform has one
}

// marked lists the living processes that have the variable, except this one.
// unsure is true if a process is just loading a program, so that its variables
// cannot be read.
func marked(variable string) (pids []int, unsure bool) {
	all, _ := procfs.Pids() // empty without /proc
	for _, pid := range all {
		switch environ := procfs.Environ(pid); {
		case pid == os.Getpid():
		case hasVariable(environ, variable):
			if procfs.ReadStat(pid).Living() {
				pids = append(pids, pid)
			}
		case len(environ) == 0 && procfs.Loading(pid):
			unsure = true
		}
	}
	return pids, unsure
}

// hasVariable reports whether an environment, as /proc shows it, contains a
// variable.
func hasVariable(environ []byte, variable string) bool {
	return bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+variable+"\x00"))
}

const (
	sweepTime = time.Second            // for processes to die
	dyingTime = 50 * time.Millisecond  // for processes that were killed already
	loadTime  = 100 * time.Millisecond // for a process to load a program
)

// Sweep kills all processes of the instances of the Server that had that Mark,
// and their descendants. Another process calls it when the process of the
// Server has exited. It also removes the cgroups of processes that have exited.
func Sweep(mark string) {
	tree := halt(func() []int { return markedTree(mark) })
	for _, pid := range tree {
		_ = syscall.Kill(pid, syscall.SIGKILL) // ESRCH: it has exited
	}
	sweep(mark) // processes that were loading a program
	removeAllOrphans()
}

// markedTree lists the processes that have a variable, and their descendants.
func markedTree(mark string) (tree []int) {
	found, _ := marked(mark)
	for _, pid := range found {
		tree = append(tree, withDescendants(pid)...)
	}
	return tree
}

// withDescendants returns a process and its descendants.
func withDescendants(pid int) []int { return append([]int{pid}, procfs.Descendants(pid)...) }

// halt stops all processes that find lists, and returns them. It stops them
// before they can start others or lose their parents.
func halt(find func() []int) (tree []int) {
	for began := time.Now(); time.Since(began) < sweepTime; {
		known := len(tree)
		for _, pid := range find() {
			if !slices.Contains(tree, pid) && syscall.Kill(pid, syscall.SIGSTOP) == nil {
				tree = append(tree, pid)
			}
		}
		if len(tree) == known {
			break
		}
	}
	return tree
}

// sweep kills all processes that have a variable, and returns their names. It
// searches again after each kill, until it finds none or sweepTime has passed.
func sweep(variable string) (killed []string) {
	for began := time.Now(); time.Since(began) < sweepTime; time.Sleep(time.Millisecond) {
		found, unsure := marked(variable)
		for _, pid := range found {
			name := fmt.Sprintf("%s (%d)", procfs.Name(pid), pid)
			if syscall.Kill(pid, syscall.SIGKILL) == nil && !slices.Contains(killed, name) {
				killed = append(killed, name)
			}
		}
		if len(found) == 0 && (!unsure || time.Since(began) > loadTime) {
			break
		}
	}
	return killed
}

// Clear kills all processes that instances have left behind, as a platform does
// when it discards a sandbox, and returns their names. It also kills an
// instance that still runs.
func (r *Runner) Clear() (killed []string) {
	defer r.takeAllTurns()()
	defer r.keepAwake()()
	defer r.limits.removeAll()
	for began := time.Now(); time.Since(began) < dyingTime; time.Sleep(time.Millisecond) {
		if found, _ := marked(r.server.Mark()); len(found) == 0 {
			break
		}
	}
	return sweep(r.server.Mark())
}
