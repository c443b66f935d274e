package integration

import (
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Surroundings describe what a sandbox has and lacks, apart from system calls.
type surroundings struct {
	user      int    // not root, and in no /etc/passwd; see id; 0: root
	home      string // HOME; empty: unchanged
	most      uint64 // open files, and processes of the user; 0: as many as now
	readOnly  bool   // all file systems are,
	writable  bool   // but the temp folder is not
	noProc    bool   // /proc is empty
	noCores   bool   // /proc does not say where to put the memory of what crashed
	staticDev bool   // /dev has null, zero, urandom, stdin, stdout and stderr
	deafInit  bool   // process 1 is another program, and reaps no children
}

// plain reports whether the surroundings need no change.
func (s surroundings) plain() bool { return s == surroundings{} }

// mayMount reports whether we may change the mounts of a process. In some
// containers even root may not.
func mayMount() bool {
	var data [2]unix.CapUserData
	err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// mount changes the file systems that this thread and its children see. The
// thread must have its own mount namespace.
func (s surroundings) mount() error {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil && s.deafInit {
		err = unix.Mount("proc", "/proc", "proc", 0, "")
	}
	if err == nil && s.staticDev {
		err = mountDev()
	}
	if err == nil && s.readOnly {
		err = s.mountReadOnly()
	}
	if err == nil && s.noCores {
		err = unix.Mount("none", "/proc/sys/kernel", "tmpfs", unix.MS_RDONLY, "")
	}
	if err == nil && s.noProc {
		err = unix.Mount("none", "/proc", "tmpfs", 0, "")
	}
	if err != nil {
		return fmt.Errorf("cannot change the file systems: %w", err)
	}
	return nil
}

// mountDev makes a /dev of plain files.
func mountDev() error {
	if err := unix.Unmount("/dev", unix.MNT_DETACH); err != nil && err != unix.EINVAL { // it was none: fine
		return err
	}
	if err := unix.Mount("none", "/dev", "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return err
	}
	for name, minor := range map[string]uint32{"/dev/null": 3, "/dev/zero": 5, "/dev/urandom": 9} {
		if err := unix.Mknod(name, unix.S_IFCHR, int(unix.Mkdev(1, minor))); err != nil {
			return err
		}
		if err := os.Chmod(name, 0o666); err != nil {
			return err
		}
	}
	for fd, name := range []string{"/dev/stdin", "/dev/stdout", "/dev/stderr"} {
		if err := os.Symlink(fmt.Sprint("/proc/self/fd/", fd), name); err != nil {
			return err
		}
	}
	return nil
}

// mountReadOnly makes everything read-only except /proc, the temp folder, and
// the function's folder, in which the tests look for notes.
func (s surroundings) mountReadOnly() error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	writable := []string{"/tmp", os.TempDir(), here}
	if !s.writable {
		writable = nil
	}
	for _, folder := range writable {
		if err := unix.Mount(folder, folder, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	points, err := mountPoints()
	for _, point := range points {
		if err == nil && !within(point, "/proc") && !slices.Contains(writable, point) {
			err = unix.Mount("", point, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
		}
	}
	if err == nil {
		err = os.Chdir(here) // as it is mounted now
	}
	return err
}

// mountPoints returns each mount point once.
func mountPoints() (points []string, err error) {
	text, err := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(text)) {
		if point := strings.ReplaceAll(strings.Fields(line)[1], `\040`, " "); !slices.Contains(points, point) {
			points = append(points, point)
		}
	}
	return points, err
}

// within reports whether a path is that folder or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// enter gives this thread, and the program that it becomes, the limits and the
// user.
func (s surroundings) enter() error {
	if s.home != "" {
		if err := os.Setenv("HOME", s.home); err != nil {
			return err
		}
	}
	if s.most > 0 {
		for _, resource := range []int{unix.RLIMIT_NOFILE, unix.RLIMIT_NPROC} {
			if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: s.most, Max: s.most}); err != nil {
				return fmt.Errorf("cannot set the limit %d: %w", resource, err)
			}
		}
	}
	if s.user == 0 || !mayMount() {
		return nil
	}
	id := uintptr(s.id())
	for _, call := range [][4]uintptr{{unix.SYS_SETGROUPS, 0, 0, 0}, {unix.SYS_SETRESGID, id, id, id}, {unix.SYS_SETRESUID, id, id, id}} {
		if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
			return fmt.Errorf("cannot become the user %d: %w", id, errno)
		}
	}
	return nil
}

// id returns the number of the user and the group. Each function has its own,
// because the limit of processes counts all processes of a user.
func (s surroundings) id() int {
	if s.user == 0 {
		return 0
	}
	here, _ := os.Getwd() // unknown: one for all
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(here)) // cannot fail
	return s.user + 100_000*(1+int(sum.Sum32()%20_000))
}
