package integration

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A proc is a process as /proc shows it.
type proc struct {
	pid    int
	name   string
	state  string // "Z": a zombie
	parent int
	start  string // tells a process from a later one with the same number
}

// readProc reads a process from /proc, and reports whether it exists.
func readProc(pid int) (proc, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || len(stat) == 0 {
		return proc{}, false
	}
	open, closing := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	fields := strings.Fields(string(stat[closing+1:]))
	parent, _ := strconv.Atoi(fields[1]) // the kernel wrote it
	return proc{pid, string(stat[open+1 : closing]), fields[0], parent, fields[19]}, true
}

// dead reports whether a process has exited and only waits to be reaped.
func (p proc) dead() bool { return p.state == "Z" || p.state == "X" }

// gone reports whether the process has exited.
func (p proc) gone() bool {
	now, there := readProc(p.pid)
	return !there || now.dead() || now.start != p.start
}

// gone reports whether a process does not exist or is dead.
func gone(pid int) bool {
	p, there := readProc(pid)
	return !there || p.dead()
}

// processes returns all processes.
func processes() (all []proc) {
	names, _ := os.ReadDir("/proc") // it is there
	for _, name := range names {
		if pid, err := strconv.Atoi(name.Name()); err == nil {
			if p, there := readProc(pid); there {
				all = append(all, p)
			}
		}
	}
	return all
}

// tree returns a process and all its descendants.
func tree(pid int) []proc {
	p, there := readProc(pid)
	if !there {
		return nil
	}
	found := []proc{p}
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // gone: none
	for _, thread := range threads {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		for _, field := range strings.Fields(string(children)) {
			child, _ := strconv.Atoi(field) // the kernel wrote it
			found = append(found, tree(child)...)
		}
	}
	return found
}

// eventually waits until right accepts the family of a process, for as long as a loaded
// machine may need.
func eventually(t testing.TB, pid int, what string, right func([]proc) bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		now := family(pid)
		if right(now) {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("want %s, got %v", what, now)
			return
		}
		time.Sleep(5 * time.Millisecond) // between looks, bounded above
	}
}

func zombies(procs []proc) (n int) {
	for _, p := range procs {
		if p.state == "Z" {
			n++
		}
	}
	return n
}
