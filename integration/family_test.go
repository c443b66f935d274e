package integration

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol/emulator"
)

// A kinship recognizes the processes of a runtime's family by properties that they
// inherit, even if another process has adopted them.
type kinship struct {
	dir      string // the function's, it works there or below
	variable string // TMPDIR=…, it has that in its environment
	brand    brand  // 0: it has none
}

// kinshipOf returns the kinship of a runtime's family.
func kinshipOf(pid int) (k kinship) {
	if dir := workingFolder(pid); own(dir) {
		k.dir = dir
	}
	for _, v := range environOf(pid) {
		if folder, is := strings.CutPrefix(v, "TMPDIR="); is && own(folder) {
			k.variable = v
		}
	}
	k.brand = brandOf(pid)
	return k
}

// own reports whether a folder belongs to one test alone.
func own(folder string) bool { return folder != os.TempDir() && within(folder, os.TempDir()) }

// has reports whether a process is of the family.
func (k kinship) has(pid int) bool {
	return k.brand != 0 && brandOf(pid) == k.brand ||
		k.dir != "" && within(workingFolder(pid), k.dir) ||
		k.variable != "" && slices.Contains(environOf(pid), k.variable)
}

// kinshipOfFunction returns the kinship of the processes that a runtime started
// for a function. pid is the runtime's, or 0 if unknown.
func kinshipOfFunction(fn emulator.Function, pid int) kinship {
	k := kinship{brand: brandBy(pid)}
	if own(fn.Dir) {
		k.dir = fn.Dir
	}
	for _, v := range fn.Env {
		if folder, is := strings.CutPrefix(v, "TMPDIR="); is && own(folder) {
			k.variable = v
		}
	}
	return k
}

// living returns the living processes of the family, without the known ones and
// neighbours.
func (k kinship) living(all []proc, known map[int]bool) (found []proc) {
	for _, p := range all {
		if !known[p.pid] && !p.dead() && k.has(p.pid) && !isNeighbour(p.pid) {
			found = append(found, p)
		}
	}
	return found
}

// family returns a process and its descendants, itself first, then other
// processes of its family that were adopted elsewhere. Ancestors do not count.
func family(pid int) []proc {
	found := tree(pid)
	if len(found) == 0 {
		return nil
	}
	kin, all := kinshipOf(pid), processes()
	known := ancestors(pid, all)
	for _, p := range found {
		known[p.pid] = true
	}
	return append(found, kin.living(all, known)...)
}

// extinct checks that no process of a runtime's family is left soon after the
// runtime exits.
func (k kinship) extinct(t testing.TB) {
	t.Helper()
	var left []proc
	for deadline := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) { // what was killed may take a while
		if left = k.living(processes(), nil); len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	t.Errorf("left are %v", left)
	for _, p := range left {
		_ = syscall.Kill(p.pid, syscall.SIGKILL) // for the next test
	}
}

// ancestors returns all ancestors of a process.
func ancestors(pid int, all []proc) map[int]bool {
	parents, found := map[int]int{}, map[int]bool{}
	for _, p := range all {
		parents[p.pid] = p.parent
	}
	for pid = parents[pid]; pid != 0; pid = parents[pid] {
		found[pid] = true
	}
	return found
}

// workingFolder returns the working folder of a process, or "" if it has exited.
func workingFolder(pid int) string {
	dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) // gone: none
	return strings.TrimSuffix(dir, " (deleted)")
}

// environOf returns the environment that a process was started with.
func environOf(pid int) []string {
	environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // gone: none
	return strings.Split(string(environ), "\x00")
}

// pidOf returns the runtime's pid, below any wrapper, or 0 if none runs.
func pidOf(runner *emulator.Runner) int { return runtimeBelow(runner.PID()) }

// tellToStop sends SIGTERM to the runtime, if one runs.
func tellToStop(runner *emulator.Runner) {
	if pid := pidOf(runner); pid > 0 {
		_ = syscall.Kill(pid, syscall.SIGTERM) // if it has exited, the outcome shows it
	}
}

// runtimeBelow returns the pid of the runtime that a process is or has started.
func runtimeBelow(pid int) int {
	for _, p := range tree(pid) {
		program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid)) // gone: none
		if program == bootstrap {
			return p.pid
		}
	}
	return pid
}

// outside returns our pid of a process that has another pid in the PID namespace of a
// runtime, or 0 if it has exited.
func outside(runtime int, pid string) int {
	namespace := namespaceOf(runtime)
	switch {
	case namespace == "" && sandbox.around.deafInit: // it died with its process 1
		return 0
	case namespace == "" || namespace == namespaceOf(os.Getpid()):
		number, _ := strconv.Atoi(pid) // not one: 0
		return number
	}
	for _, p := range processes() {
		if namespaceOf(p.pid) == namespace && numberWithin(p.pid) == pid {
			return p.pid
		}
	}
	return 0
}

// namespaceOf returns the PID namespace of a process, or "" if it has exited.
func namespaceOf(pid int) string {
	namespace, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid)) // gone: none
	return namespace
}

// numberWithin returns the pid of a process in its own namespace.
func numberWithin(pid int) string {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone: none
	_, line, _ := strings.Cut(string(status), "\nNSpid:")
	line, _, _ = strings.Cut(line, "\n")
	numbers := strings.Fields("0 " + line)
	return numbers[len(numbers)-1]
}
