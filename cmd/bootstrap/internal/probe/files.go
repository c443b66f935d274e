package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"bootstrap/supervisor/process"

	"golang.org/x/sys/unix"
)

// limits adds the limits of programs: the current ones, and how far they can be
// raised.
func (r *report) limits() {
	for _, l := range []struct {
		name     string
		resource int
		unit     uint64
	}{
		{"process limit", unix.RLIMIT_NPROC, 1},
		{"open file limit", unix.RLIMIT_NOFILE, 1},
		{"file size limit, MB", unix.RLIMIT_FSIZE, 1 << 20},
		{"address space limit, MB", unix.RLIMIT_AS, 1 << 20},
	} {
		var limit unix.Rlimit
		if err := unix.Getrlimit(l.resource, &limit); err != nil {
			r.add(l.name, "unknown (%v)", err)
			continue
		}
		value := amount(limit.Cur, l.unit)
		if limit.Max != limit.Cur {
			value += ", at most " + amount(limit.Max, l.unit)
		}
		r.add(l.name, "%s", value)
	}
	r.add("process limit (cgroup)", "%s", groupLimit())
}

// groupLimit returns the process limit of our control group.
func groupLimit() string {
	for _, path := range []string{"/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"} {
		if text, err := os.ReadFile(path); err == nil {
			return strings.Replace(strings.TrimSpace(string(text)), "max", "none", 1)
		}
	}
	return "unknown"
}

func amount(n, unit uint64) string {
	if n == unix.RLIM_INFINITY {
		return "none"
	}
	return strconv.FormatUint(n/unit, 10)
}

// files adds where files can be created, and in which ways.
func (r *report) files() {
	temp := "/tmp"
	if os.Getenv("TMPDIR") != "" {
		temp = "TMPDIR"
	}
	r.add("temp folder ("+temp+")", "%s", folder(os.TempDir()))
	home := "not set"
	if dir := os.Getenv("HOME"); dir != "" {
		home = folder(dir)
	}
	r.add("HOME", "%s", home)
	if self, err := executable(); err == nil {
		r.add("code folder", "%s", folder(filepath.Dir(self)))
	}
	r.add("/dev/shm", "%s", folder("/dev/shm"))
	fd, err := unix.MemfdCreate("bootstrap-probe", unix.MFD_CLOEXEC)
	r.try("files in memory (memfd)", err)
	if err == nil {
		_ = unix.Close(fd)
	}
	r.try("large pipes", largePipe())
	r.try("reopens pipes through /proc/self/fd", reopen())
}

// folder describes whether files can be created in a folder, and its file
// system.
func folder(dir string) string {
	value := "writable"
	file, err := os.CreateTemp(dir, "bootstrap-probe-")
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		value = "not writable " + strings.TrimPrefix(yesOrNo(err), "no ")
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return value
	}
	value += fmt.Sprintf(", %s, %d of %d MB free", fileSystem(int64(fs.Type)), toMB(fs.Bavail, fs.Bsize), toMB(fs.Blocks, fs.Bsize))
	if fs.Files > 0 {
		value += fmt.Sprintf(", %d files", fs.Ffree)
	}
	if fs.Flags&unix.ST_NOEXEC != 0 {
		value += ", runs no programs (noexec)"
	}
	return value
}

func toMB(blocks uint64, size int64) uint64 { return blocks * uint64(size) >> 20 }

var fileSystems = map[int64]string{
	unix.TMPFS_MAGIC: "tmpfs", unix.EXT4_SUPER_MAGIC: "ext4", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.NFS_SUPER_MAGIC: "nfs",
	unix.V9FS_MAGIC: "9p", unix.SQUASHFS_MAGIC: "squashfs", unix.FUSE_SUPER_MAGIC: "fuse", 0x6a656a63: "virtiofs",
}

func fileSystem(magic int64) string {
	if name := fileSystems[magic]; name != "" {
		return name
	}
	return fmt.Sprintf("file system %#x", magic)
}

func largePipe() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	_, err = unix.FcntlInt(r.Fd(), unix.F_SETPIPE_SZ, 1<<20)
	return err
}

func reopen() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	again, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(w.Fd())), os.O_WRONLY, 0)
	if err == nil {
		_ = again.Close()
	}
	return err
}

// devices adds what is in /dev, and whether there are terminals.
func (r *report) devices() {
	r.try("terminal (/dev/ptmx)", process.CheckTerminal())
	there, missing := partition([]string{"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "tty", "ptmx", "pts", "shm"}, func(name string) bool {
		_, err := os.Stat("/dev/" + name)
		return err == nil
	})
	r.add("in /dev", "%s", there)
	r.add("not in /dev", "%s", missing)
}

// partition separates the names that are there from those that are missing.
func partition(names []string, isThere func(name string) bool) (there, missing string) {
	for _, name := range names {
		if isThere(name) {
			there += " " + name
		} else {
			missing += " " + name
		}
	}
	return none(there), none(missing)
}

func none(list string) string {
	if list == "" {
		return "none"
	}
	return list
}
