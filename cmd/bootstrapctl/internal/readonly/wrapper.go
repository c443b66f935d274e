//go:build linux

package readonly

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// argument is the argument that makes this program the wrapper.
const argument = "-readonly"

// A wrapper holds the arguments of the wrapper.
type wrapper struct {
	dir     string
	drop    bool     // the capabilities
	report  int      // the open file for an error
	program int      // the open file with the program; 0: it has a path
	args    []string // the path of the program, which is empty for a try, and its arguments
}

func (w wrapper) encode() []string {
	return append([]string{"bootstrapctl", argument, w.dir, strconv.FormatBool(w.drop), strconv.Itoa(w.report), strconv.Itoa(w.program)}, w.args...)
}

// decode reads the arguments of a process, and reports whether the process is a
// wrapper.
func decode(args []string) (w wrapper, ok bool) {
	if len(args) < 7 || args[1] != argument {
		return w, false
	}
	w.dir, w.args = args[2], args[6:]
	var errs [3]error
	w.drop, errs[0] = strconv.ParseBool(args[3])
	w.report, errs[1] = strconv.Atoi(args[4])
	w.program, errs[2] = strconv.Atoi(args[5])
	return w, errs == [3]error{}
}

// Main runs the wrapper and does not return if this process is the wrapper. A
// program must call Main before anything else.
func Main() {
	w, ok := decode(os.Args)
	if !ok {
		return
	}
	syscall.CloseOnExec(w.report)
	if err := w.run(); err != nil {
		fmt.Fprint(os.NewFile(uintptr(w.report), "report"), err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run makes the folder read-only and becomes the program.
func (w wrapper) run() error {
	runtime.LockOSThread() // capabilities belong to a thread
	if err := protect(w.dir); err != nil {
		return fmt.Errorf("cannot make %s read-only: %w", w.dir, err)
	}
	if w.drop {
		if err := dropCapabilities(); err != nil {
			return fmt.Errorf("cannot drop capabilities: %w", err)
		}
	}
	if w.args[0] == "" {
		return nil
	}
	err := syscall.Exec(w.path(), w.args[1:], os.Environ())
	return &os.PathError{Op: "fork/exec", Path: w.args[0], Err: err} // the same form as the error of exec.Cmd
}

// path returns the path by which this process can execute the program.
func (w wrapper) path() string {
	if w.program == 0 {
		return w.args[0]
	}
	syscall.CloseOnExec(w.program)
	return "/proc/self/fd/" + strconv.Itoa(w.program)
}

// protect mounts a folder over itself, read-only, together with everything that
// is mounted in it. It enters the current folder again, because the process
// would otherwise stay in the writable folder under the mount.
func protect(dir string) error {
	current, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make mounts private: %w", err)
	}
	if err := unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, dir, unix.AT_RECURSIVE, readOnly); err != nil {
		return fmt.Errorf("cannot change the mount, which needs Linux 5.12: %w", err)
	}
	var now unix.Statfs_t
	if err := unix.Statfs(dir, &now); err != nil || now.Flags&unix.ST_RDONLY == 0 {
		return fmt.Errorf("it is still writable (%v)", err)
	}
	return os.Chdir(current)
}

// dropCapabilities drops all capabilities of this thread, including the ambient
// ones.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	none := [2]unix.CapUserData{} // version 3 has two
	return unix.Capset(&header, &none[0])
}
