package adapters

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"bootstrap/protocol"
)

// A tempFolder is a folder of one event's own, its TMPDIR. It is made before
// the event is there, and removed, with what is in it, when nothing of the
// event is left.
type tempFolder struct {
	wanted bool
	path   string // empty: there is none
}

const tempPrefix = "bootstrap-event-"

// tempPattern is for the names of what belongs to an event: it tells whose it is.
func tempPattern() string { return fmt.Sprintf("%s%d-", tempPrefix, os.Getpid()) }

// make makes a folder if there is none.
func (t *tempFolder) make() (err error) {
	if t.wanted && t.path == "" {
		t.path, err = os.MkdirTemp("", tempPattern())
	}
	if err != nil {
		return tempError("make the folder of an event", err)
	}
	return nil
}

// remove also removes what its owner has made read-only.
func (t *tempFolder) remove() (err error) {
	if t.path != "" {
		err = removeAll(t.path)
		t.path = ""
	}
	return err
}

func removeAll(folder string) error {
	if os.RemoveAll(folder) == nil {
		return nil
	}
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700) // else removing tells
		}
		return nil
	})
	return os.RemoveAll(folder)
}

// removeStale removes what a bootstrap has left that was killed: a platform may
// start the next one with the same /tmp.
func removeStale() {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*")) // the pattern is good
	for _, path := range found {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), tempPrefix), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && (pid == os.Getpid() || syscall.Kill(pid, 0) == syscall.ESRCH) {
			_ = removeAll(path) // another user's: not ours to remove
		}
	}
}

// tempError is the failure of an event for which the temp folder cannot do
// what it must.
func tempError(what string, err error) *protocol.Failure {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return problem("Runtime.TempError", "cannot %s: the temp folder %s is full: remove what events leave there, as BOOTSTRAP_TMPDIR_PER_EVENT=true does, or give the function more", what, os.TempDir())
	}
	return problem("Runtime.TempError", "cannot %s: %v", what, err)
}

// tempHint may explain the failure of a command: nothing can be written to the
// temp folder any more.
func tempHint() string {
	var fs syscall.Statfs_t
	err := syscall.Statfs(os.TempDir(), &fs)
	if err == nil && fs.Blocks > 0 && (fs.Bavail == 0 || fs.Files > 0 && fs.Ffree == 0) {
		return " (the temp folder " + os.TempDir() + " is full)"
	}
	return ""
}
