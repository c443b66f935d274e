package supervisor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// pidsOfChildren lists our children, zombies too, as /proc tells them for each
// of our threads. Not every kernel has these files.
func pidsOfChildren() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is good
	if len(lists) == 0 {
		return pidsByParent(os.Getpid())
	}
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that has ended has no children
		for field := range bytes.FieldsSeq(text) {
			if pid, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// pidsByParent finds the children of a process by asking every process for its
// parent.
func pidsByParent(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, stat := range stats {
		text, _ := os.ReadFile(stat) // a process that has ended is nobody's child
		if parentOf(text) == parent {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// parentOf reads "pid (name) state parent …"; the name may hold anything.
func parentOf(stat []byte) int {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return -1
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}

// nameOf is the name of a process, as the kernel keeps it: its first 15 bytes.
func nameOf(pid int) string {
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm") // gone: no name
	return string(bytes.TrimSpace(name))
}
