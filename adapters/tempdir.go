package adapters

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"bootstrap/protocol"

	"golang.org/x/sys/unix"
)

// An eventFolder is the TMPDIR of one event. It is made before the event is there,
// and removed with its content when no process of the event is left.
type eventFolder struct {
	wanted bool
	in     *RunFolder
	path   string // empty: there is none
}

// make makes a folder if there is none.
func (f *eventFolder) make() (err error) {
	if f.wanted && f.path == "" {
		f.path, err = f.in.makeFolder()
	}
	if err != nil {
		return tempError("make the folder of an event", err)
	}
	return nil
}

func (f *eventFolder) remove() (err error) {
	if f.path != "" {
		err = f.in.remove(f.path)
		f.path = ""
	}
	return err
}

// memoryFile makes a file in memory (Linux 3.17). Its Name is a path by which our
// other processes can open it where there is a /proc.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("bootstrap", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)), nil
}

// tryTemp returns an error if nothing can be made in the temp folder. A full one
// does not count, as it may have room again when it is needed.
func tryTemp(folder *RunFolder, what string) error {
	err := folder.try()
	if err == nil || isFull(err) {
		return nil
	}
	return tempError(what, err)
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// tempError returns the failure of an event, or of a start, that cannot use the temp
// folder.
func tempError(what string, err error) *protocol.Failure {
	dir := os.TempDir()
	switch {
	case isFull(err):
		return protocol.Failuref("Runtime.TempError", "cannot %s: the temp folder %s is full: remove what events leave there, as BOOTSTRAP_TMPDIR_PER_EVENT=true does, or give the function more", what, dir)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return protocol.Failuref("Runtime.TempError", "cannot %s: %v: make the temp folder %s writable (on Kubernetes, mount an emptyDir there), or set TMPDIR to a folder that is writable", what, err, dir)
	}
	return protocol.Failuref("Runtime.TempError", "cannot %s: %v", what, err)
}

// fullTemp returns advice if the temp folder is full.
func fullTemp(*function, string) string {
	var fs syscall.Statfs_t
	err := syscall.Statfs(os.TempDir(), &fs)
	if err == nil && fs.Blocks > 0 && (fs.Bavail == 0 || fs.Files > 0 && fs.Ffree == 0) {
		return "the temp folder " + os.TempDir() + " is full"
	}
	return ""
}
