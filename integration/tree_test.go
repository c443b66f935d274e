package integration

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A proc is a process as /proc tells.
type proc struct {
	pid   int
	name  string
	state string // "Z": a zombie
}

// tree is a process with all its descendants, itself first.
func tree(pid int) []proc {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil // it is gone
	}
	open, closing := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	found := []proc{{pid, string(stat[open+1 : closing]), strings.Fields(string(stat[closing+1:]))[0]}}
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

// eventually waits, for as long as a loaded machine may need, until the
// processes below pid are what they should be.
func eventually(t testing.TB, pid int, what string, right func([]proc) bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		now := tree(pid)
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
