package supervisor

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// A census tells who our children are, as /proc tells them for each of our
// threads. After each event somebody asks, so it keeps those files open. No
// thread of ours ends, as nothing is locked to one: their number tells whether
// these are all.
type census struct {
	mu      sync.Mutex
	dir     *os.File // of our threads; nil: it has not looked
	threads uint64   // as /proc counts them
	files   []*os.File
	text    []byte // of one of them
}

var ourCensus census

// pidsOfChildren lists our children, zombies too.
func pidsOfChildren() (pids []int) {
	ourCensus.mu.Lock()
	defer ourCensus.mu.Unlock()
	if !ourCensus.update() {
		return pidsByParent(os.Getpid())
	}
	for _, file := range ourCensus.files {
		pids = ourCensus.read(pids, file)
	}
	return pids
}

// update opens the files if there are new ones. Not every kernel has them.
func (c *census) update() bool {
	if c.dir == nil {
		c.dir, _ = os.Open("/proc/self/task") // nil: there is no /proc
	}
	var info syscall.Stat_t
	if err := syscall.Fstat(int(c.dir.Fd()), &info); err != nil {
		return false
	}
	if threads := uint64(info.Nlink); threads != c.threads {
		closeAll(c.files)
		if c.files, c.threads = childrenFiles("self"), threads; c.files == nil {
			c.threads = 0 // try again
		}
	}
	return c.files != nil
}

// childrenFiles opens the lists of a process's children, one for each of its
// threads; nil: not all can be had.
func childrenFiles(process string) (files []*os.File) {
	tasks := "/proc/" + process + "/task/"
	dir, err := os.Open(tasks)
	if err != nil {
		return nil
	}
	defer dir.Close()
	threads, err := dir.Readdirnames(0)
	for _, thread := range threads {
		var file *os.File
		if err == nil {
			file, err = os.Open(tasks + thread + "/children")
		}
		if err == nil {
			files = append(files, file)
		}
	}
	if err != nil {
		closeAll(files)
		return nil
	}
	return files
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close() // only read
	}
}

// read appends what is in such a list. The kernel gives less than a page at
// once, so a list is only known to be whole in one call if it is short.
func (c *census) read(pids []int, file *os.File) []int {
	if c.text == nil {
		c.text = make([]byte, shortList)
	}
	size := pread(file, c.text, 0)
	for n := size; n > 0 && size >= shortList; size += n {
		if len(c.text)-size < shortList {
			c.text = append(c.text, c.text...)
		}
		n = pread(file, c.text[size:], size)
	}
	for field := range bytes.FieldsSeq(c.text[:size]) {
		if pid, err := strconv.Atoi(string(field)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// shortList is how long a list may be, in bytes, to come in one call.
const shortList = 1024

// pread reads one of the kernel's files from there on, in one call: ReadAt asks
// again also where there is no more.
func pread(file *os.File, p []byte, from int) int {
	n, _ := syscall.Pread(int(file.Fd()), p, int64(from)) // gone: nothing
	return max(n, 0)
}

// Children are those of the process, zombies too.
func (p *Process) Children() []int { return childrenOf(p.pid) }

// Living are its children that are no zombies.
func (p *Process) Living() []int {
	return slices.DeleteFunc(p.Children(), func(pid int) bool { return runState(pid) == 'Z' })
}

func childrenOf(pid int) (pids []int) {
	files := childrenFiles(strconv.Itoa(pid))
	defer closeAll(files)
	if files == nil {
		return pidsByParent(pid)
	}
	var c census
	for _, file := range files {
		pids = c.read(pids, file)
	}
	return pids
}

// Resident is how much memory the process holds, in bytes, and all below it.
func (p *Process) Resident() int { return residentBytes(p.pid) }

func residentBytes(pid int) (sum int) {
	statm, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm") // gone: nothing
	if fields := bytes.Fields(statm); len(fields) > 1 {
		pages, _ := strconv.Atoi(string(fields[1])) // the kernel wrote it
		sum = pages * os.Getpagesize()
	}
	for _, child := range childrenOf(pid) {
		sum += residentBytes(child)
	}
	return sum
}

// peakOf is the most memory that a living process has held, in bytes.
func peakOf(pid int) int {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // gone: not known
	_, line, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ = bytes.Cut(line, []byte(" kB"))
	kilobytes, _ := strconv.Atoi(string(bytes.TrimSpace(line))) // the kernel wrote it
	return kilobytes << 10
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

// afterName are the fields of "pid (name) state parent …" from the state on;
// the name may hold anything.
func afterName(stat []byte) [][]byte {
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

func parentOf(stat []byte) int {
	fields := afterName(stat)
	if len(fields) < 2 {
		return -1
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}

// runState is R for running, or waiting to; D for busy in the kernel; Z for a
// zombie; 0 for gone.
func runState(pid int) byte {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // gone: empty
	if fields := afterName(stat); len(fields) > 0 {
		return fields[0][0]
	}
	return 0
}

// nameOf is the name of a process, as the kernel keeps it: its first 15 bytes.
func nameOf(pid int) string {
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm") // gone: no name
	return string(bytes.TrimSpace(name))
}
