package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// cgroupRoot is where systems mount the file systems of cgroups.
const cgroupRoot = "/sys/fs/cgroup"

// A cgroup limits the memory of all processes of an instance. The kernel kills
// one or all of them when they use more.
type cgroup struct {
	dir     string
	home    string // the cgroup of this process; only in version 1
	limit   int64  // in bytes
	version cgroupVersion

	opening sync.Once
	events  *os.File // stays open because it is read for each event; nil if there is no such file
}

// A cgroupVersion holds the names of the files of a version of cgroups.
type cgroupVersion struct {
	number      int
	limit, swap string // the memory limit; the limit of memory and swap (version 1) or of swap (version 2)
	events      string // counts the kills
}

var cgroupVersions = map[int]cgroupVersion{
	1: {1, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control"},
	2: {2, "memory.max", "memory.swap.max", "memory.events"},
}

// newCgroup makes a cgroup below or beside the one of this process. It returns
// an error if this process may not do that, or if the kernel does not limit
// memory there.
func newCgroup(limit int64) (*cgroup, error) { return newCgroupBelow(cgroupRoot, limit) }

// newCgroupBelow does the same as newCgroup below another root.
func newCgroupBelow(root string, limit int64) (*cgroup, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("cannot find our cgroup: %w", err)
	}
	version, parents := cgroupParents(root, string(text))
	err = errors.New("cannot make a cgroup: found no folder for it")
	for _, parent := range parents {
		c := &cgroup{dir: filepath.Join(parent, ourName()), home: parent, limit: limit, version: version}
		removeOrphans(parent)
		if err = c.make(); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// cgroupParents returns the existing folders in which a cgroup can be made, the
// best first. On a machine that mounts both versions, version 1 controls the
// memory. A container may see its own cgroup as the root.
func cgroupParents(root, self string) (version cgroupVersion, parents []string) {
	version = cgroupVersions[2]
	for line := range strings.Lines(self) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[1] == "memory":
			top := filepath.Join(root, "memory")
			return cgroupVersions[1], existing(filepath.Join(top, fields[2]), top)
		case fields[0] == "0":
			parents = existing(filepath.Join(root, fields[2]), filepath.Join(root, filepath.Dir(fields[2])))
		}
	}
	return version, parents
}

// existing returns the folders that exist.
func existing(dirs ...string) (found []string) {
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			found = append(found, dir)
		}
	}
	return slices.Compact(found)
}

const cgroupPrefix = "bootstrap-emulator-"

var cgroupCount atomic.Int64

// ourName returns a name for a cgroup that contains the pid and the start time
// of this process.
func ourName() string {
	self := procfs.ReadStat(os.Getpid())
	return fmt.Sprintf("%s%d-%d-%d", cgroupPrefix, self.PID, self.Start, cgroupCount.Add(1))
}

// removeAllOrphans removes the orphans in all folders in which this process makes
// cgroups. It waits a moment for their last processes to exit.
func removeAllOrphans() {
	text, _ := os.ReadFile("/proc/self/cgroup") // an error: no folders
	_, parents := cgroupParents(cgroupRoot, string(text))
	for began := time.Now(); time.Since(began) < sweepTime; time.Sleep(time.Millisecond) {
		left := 0
		for _, parent := range parents {
			left += removeOrphans(parent)
		}
		if left == 0 {
			return
		}
	}
}

// removeOrphans removes empty cgroups whose makers were killed before they
// could remove them, and returns how many such cgroups have processes.
func removeOrphans(parent string) (left int) {
	dirs, _ := filepath.Glob(filepath.Join(parent, cgroupPrefix+"*")) // an invalid pattern matches nothing
	for _, dir := range dirs {
		owner := strings.Split(strings.TrimPrefix(filepath.Base(dir), cgroupPrefix), "-")
		pid, _ := strconv.Atoi(owner[0]) // 0 has no stat
		if s := procfs.ReadStat(pid); len(owner) == 3 && (!s.Living() || strconv.FormatUint(s.Start, 10) != owner[1]) {
			if os.Remove(dir) != nil { // a later call removes it
				left++
			}
		}
	}
	return left
}

// make makes the folder and sets the limits. Swap does not extend the limit.
func (c *cgroup) make() error {
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return fmt.Errorf("cannot make a cgroup: %w", err)
	}
	if err := c.write(c.version.limit, c.limit); err != nil {
		_ = c.remove() // it is empty
		return fmt.Errorf("cannot limit the memory: %w", err)
	}
	if c.version.number == 1 {
		_ = c.write(c.version.swap, c.limit) // without swap there is no such file
		return nil
	}
	_ = c.write(c.version.swap, 0)
	_ = c.write("memory.oom.group", 1) // before Linux 4.19 one process is killed
	return nil
}

// write writes to an existing file. The file is missing if the kernel does not
// limit memory.
func (c *cgroup) write(name string, value int64) error {
	file, err := os.OpenFile(filepath.Join(c.dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(strconv.FormatInt(value, 10))
	return err
}

// starting returns a start function that puts the process into the cgroup
// before it runs any code.
func (c *cgroup) starting(start func(*exec.Cmd) error) func(*exec.Cmd) error {
	if c.version.number == 1 {
		return func(cmd *exec.Cmd) (err error) {
			offMainThread(func() { err = c.fromInside(cmd, start) })
			return err
		}
	}
	return func(cmd *exec.Cmd) error {
		dir, err := os.Open(c.dir)
		if err != nil {
			return err
		}
		defer dir.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
		return start(cmd)
	}
}

// fromInside starts cmd from a thread that it moves into the cgroup for that
// time. Version 1 allows that, and the children of the thread start in its
// cgroup.
func (c *cgroup) fromInside(cmd *exec.Cmd, start func(*exec.Cmd) error) error {
	if err := moveThread(c.dir); err != nil {
		return err
	}
	err := start(cmd)
	if moveThread(c.home) != nil {
		runtime.LockOSThread() // never unlocked, so that the thread exits with the goroutine
	}
	return err
}

// moveThread moves the current thread to a cgroup.
func moveThread(dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(strconv.Itoa(syscall.Gettid()))
	return err
}

// offMainThread calls do on a separate thread, never on the main one, because
// the kernel charges the memory of a process to the cgroup of its main thread.
func offMainThread(do func()) {
	done := make(chan struct{})
	go func() { // ends with do
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if syscall.Gettid() == os.Getpid() {
			offMainThread(do) // this goroutine occupies the main thread, so another one gets another thread
			return
		}
		do()
	}()
	<-done
}

// hasKilled reports whether the kernel has killed a process of the cgroup
// because of the limit.
func (c *cgroup) hasKilled() bool {
	c.opening.Do(func() { c.events, _ = os.Open(filepath.Join(c.dir, c.version.events)) })
	var text [1 << 10]byte
	text[0] = '\n'
	n, _ := c.events.ReadAt(text[1:], 0) // no file, or removed already: 0
	_, count, found := bytes.Cut(text[:1+n], []byte("\noom_kill "))
	return found && !bytes.HasPrefix(count, []byte("0"))
}

// remove removes the cgroup. It returns an error while the cgroup has
// processes.
func (c *cgroup) remove() error {
	err := syscall.Rmdir(c.dir)
	if err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	c.opening.Do(func() {}) // prevents any later opening
	_ = c.events.Close()    // opened for reading only; nil: an error
	return nil
}
