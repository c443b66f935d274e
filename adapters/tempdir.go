package adapters

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"bootstrap/adapters/temp"
	"bootstrap/protocol"
)

// An eventFolder is the TMPDIR of one event. It is made before the event arrives,
// and removed with its content when no process of the event is left.
type eventFolder struct {
	wanted bool
	in     *temp.Folder
	path   string // empty if there is no folder
}

// make makes a folder if there is none.
func (f *eventFolder) make() (err error) {
	if f.wanted && f.path == "" {
		f.path, err = f.in.MakeFolder()
	}
	if err != nil {
		return tempError("make an event's temporary folder", err)
	}
	return nil
}

func (f *eventFolder) remove() (err error) {
	if f.path != "" {
		err = f.in.Remove(f.path)
		f.path = ""
	}
	return err
}

// tryTemp returns an error if nothing can be made in the temp folder. A full one
// does not count, as it may have room again when it is needed.
func tryTemp(folder *temp.Folder, what string) error {
	err := folder.Try()
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
		return protocol.Failuref("Runtime.TempError", "cannot %s: the temp folder %s is full: delete the files of earlier events, which BOOTSTRAP_TMPDIR_PER_EVENT=true does, or give the function more space there", what, dir)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return protocol.Failuref("Runtime.TempError", "cannot %s: %v: make the temp folder %s writable (on Kubernetes, mount an emptyDir there), or set TMPDIR to a folder that is writable", what, err, dir)
	}
	return protocol.Failuref("Runtime.TempError", "cannot %s: %v", what, err)
}
