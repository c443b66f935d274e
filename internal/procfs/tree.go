package procfs

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// A Tree reads the memory of a process and its descendants many times. It keeps the
// files that it reads open, because opening them takes most of the time of
// ResidentTree. Its methods may be called concurrently.
type Tree struct {
	mu     sync.Mutex
	pid    int
	root   *member // nil: not opened yet, or closed
	closed bool
}

// NewTree returns the tree of a process. The caller must close it.
func NewTree(pid int) *Tree { return &Tree{pid: pid} }

// Resident returns what ResidentTree returns, or 0 after Close.
func (t *Tree) Resident() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return 0
	case !listsChildren():
		return ResidentTree(t.pid)
	case t.root == nil:
		t.root = openMember(t.pid)
	}
	return t.root.resident()
}

// Close closes the files.
func (t *Tree) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.root != nil {
		t.root.close()
		t.root = nil
	}
}

// maxMembers bounds the children of a process whose files stay open.
const maxMembers = 8

// A member is a process of a Tree. For a process that has exited, or for one that we may
// not read, its files are missing or empty.
type member struct {
	pid         int
	statm, task int      // descriptors; -1: none
	threads     []string // their ids, as the folder task has them
	lists       childLists
	children    map[int]*member // at most maxMembers
}

func openMember(pid int) *member {
	m := &member{pid: pid, statm: -1, task: -1, children: map[int]*member{}}
	if fd, err := open(path(pid, "statm")); err == nil {
		m.statm = fd
	}
	if fd, err := open(path(pid, "task")); err == nil {
		m.task = fd
	}
	return m
}

func (m *member) close() {
	for _, fd := range []int{m.statm, m.task} {
		if fd >= 0 {
			_ = syscall.Close(fd) // opened for reading only
		}
	}
	closeAll(m.lists.files)
	for _, child := range m.children {
		child.close()
	}
}

// resident returns the memory of a process and its descendants in bytes.
func (m *member) resident() int {
	sum := m.own()
	pids := m.childPids()
	for pid, child := range m.children {
		if !slices.Contains(pids, pid) {
			child.close()
			delete(m.children, pid)
		}
	}
	for _, pid := range pids {
		sum += m.child(pid)
	}
	return sum
}

// own returns the memory of the process itself.
func (m *member) own() int {
	var text [128]byte
	return residentIn(text[:pread(m.statm, text[:], 0)])
}

// child returns the memory of a child and its descendants. A child that has exited may
// have left its number to another one.
func (m *member) child(pid int) int {
	child := m.children[pid]
	if child != nil {
		if used := child.resident(); used > 0 {
			return used
		}
		child.close()
		delete(m.children, pid)
	}
	if len(m.children) >= maxMembers {
		return ResidentTree(pid)
	}
	m.children[pid] = openMember(pid)
	return m.children[pid].resident()
}

// childPids lists the children of all threads.
func (m *member) childPids() (pids []int) {
	if m.task < 0 {
		return nil
	}
	if threads, _ := listFrom(m.task); !slices.Equal(threads, m.threads) {
		closeAll(m.lists.files)
		m.lists.files = childrenFiles(strconv.Itoa(m.pid))
		m.threads = threads
		if m.lists.files == nil {
			m.threads = nil // a thread has exited meanwhile: try again at the next call
		}
	}
	for _, file := range m.lists.files {
		pids = m.lists.read(pids, file)
	}
	return pids
}

// residentIn returns the resident memory, in bytes, from the content of statm.
func residentIn(statm []byte) int {
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(string(fields[1])) // written by the kernel
	return pages * os.Getpagesize()
}
