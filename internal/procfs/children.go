package procfs

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// Children lists the children of a process, including zombies.
func Children(pid int) (pids []int) {
	if !listsChildren() {
		return childrenByParent(pid)
	}
	const tries = 3
	for range tries {
		if pids, ok := childrenByThread(pid); ok || ReadStat(pid).PID == 0 {
			return pids
		}
	}
	return childrenByParent(pid)
}

// childrenByThread reads the lists of all threads of a process. ok is false if threads
// have started or exited meanwhile: the children of one that exits move to another, whose
// list may have been read already.
func childrenByThread(pid int) (pids []int, ok bool) {
	tasks := path(pid, "task/")
	threads, _ := list(tasks) // none: the process has exited
	files := openLists(tasks, threads)
	defer closeAll(files)
	var c childLists
	for _, file := range files {
		pids = c.read(pids, file)
	}
	now, err := list(tasks)
	return pids, err == nil && files != nil && slices.Equal(now, threads)
}

// Descendants lists the children of a process, their children, and so on.
func Descendants(pid int) (pids []int) {
	if !listsChildren() {
		return descendantsByParent(pid)
	}
	for _, child := range Children(pid) {
		pids = append(append(pids, child), Descendants(child)...)
	}
	return pids
}

// listsChildren reports whether the kernel lists the children of each thread.
// gVisor does not, nor do kernels without CONFIG_PROC_CHILDREN.
var listsChildren = sync.OnceValue(func() bool {
	_, err := os.Stat(path(os.Getpid(), "task/"+strconv.Itoa(os.Getpid())+"/children"))
	return err == nil
})

// childrenByParent finds the children of a process by reading the parent of
// every process.
func childrenByParent(parent int) (pids []int) {
	all, _ := Pids() // empty without /proc
	for _, pid := range all {
		if s := ReadStat(pid); s.PID != 0 && s.Parent == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

// descendantsByParent finds the descendants of a process in one pass over all
// processes.
func descendantsByParent(pid int) (pids []int) {
	all, _ := Pids() // empty without /proc
	children := map[int][]int{}
	for _, pid := range all {
		if s := ReadStat(pid); s.PID != 0 {
			children[s.Parent] = append(children[s.Parent], pid)
		}
	}
	for parents := []int{pid}; len(parents) > 0; parents = parents[1:] {
		pids = append(pids, children[parents[0]]...)
		parents = append(parents, children[parents[0]]...)
		delete(children, parents[0]) // a reused number must not make a cycle
	}
	return pids
}

// OurChildren lists the children of this process, including zombies.
func OurChildren() (pids []int) {
	ourChildLists.mu.Lock()
	defer ourChildLists.mu.Unlock()
	if !ourChildLists.update() {
		return childrenByParent(os.Getpid())
	}
	for _, file := range ourChildLists.files {
		pids = ourChildLists.read(pids, file)
	}
	return pids
}

var ourChildLists childLists

// childLists keeps open the files that list our children, one for each of our
// threads, because they are read after every event. The list of files is complete if
// it has as many files as we have threads, because none of our threads exits.
type childLists struct {
	mu      sync.Mutex
	dir     *os.File // /proc/self/task; nil: not opened yet
	threads uint64   // number of threads when the files were opened
	files   []int    // their descriptors
	text    []byte   // content of one file, reused
}

// update opens the files of new threads. It reports whether the files are
// available.
func (c *childLists) update() bool {
	if c.dir == nil {
		dir, err := os.Open("/proc/self/task")
		if err != nil {
			return false
		}
		c.dir = dir
	}
	var info syscall.Stat_t
	if err := syscall.Fstat(int(c.dir.Fd()), &info); err != nil {
		return false
	}
	if threads := uint64(info.Nlink); threads != c.threads {
		closeAll(c.files)
		if c.files, c.threads = childrenFiles("self"), threads; c.files == nil {
			c.threads = 0 // retry at the next call
		}
	}
	return c.files != nil
}

// childrenFiles opens the lists of the children of a process, one for each
// thread. It returns nil unless it can open all.
func childrenFiles(process string) (files []int) {
	tasks := "/proc/" + process + "/task/"
	threads, _ := list(tasks) // none: the process has exited
	return openLists(tasks, threads)
}

// openLists opens the lists of the children of some threads in a folder. It returns nil
// unless it can open all.
func openLists(tasks string, threads []string) (files []int) {
	for _, thread := range threads {
		file, err := open(tasks + thread + "/children")
		if err != nil {
			closeAll(files)
			return nil
		}
		files = append(files, file)
	}
	return files
}

func closeAll(files []int) {
	for _, file := range files {
		_ = syscall.Close(file) // opened for reading only
	}
}

// shortList bounds the size, in bytes, of a list that one call returns.
const shortList = 1024

// read appends the pids in a list. The kernel returns less than a page at once,
// so that one call returns only a short list completely.
func (c *childLists) read(pids []int, file int) []int {
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

// pread reads from an offset in one call.
func pread(file int, p []byte, from int) int {
	n, _ := syscall.Pread(file, p, int64(from)) // the thread or process has exited: empty
	return max(n, 0)
}
