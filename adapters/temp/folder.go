// Package temp keeps the temporary files of a run of bootstrap.
package temp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A Folder is the folder of this run of bootstrap in the temp folder. All slots
// share it. The zero value makes it when it is first needed.
//
// It is locked while it is in use, because containers may share a temp folder, and
// the kernel unlocks it when bootstrap is killed. A process number would not show
// whether a folder is in use: each container has its own numbers.
type Folder struct {
	mu    sync.Mutex
	path  string
	dir   *os.File // the open folder, which holds the lock; nil if there is none
	names int      // number of names so far
}

// Prefix begins the name of each Folder.
const Prefix = "bootstrap-run-"

// MakeFolder makes a folder and returns its path.
func (r *Folder) MakeFolder() (path string, err error) {
	err = r.within(func(dir int, name string) error {
		err := unix.Mkdirat(dir, name, 0o700)
		if err == nil {
			path = filepath.Join(r.path, name)
		}
		return err
	})
	return path, err
}

// MakeFile makes a file that can be written and read.
func (r *Folder) MakeFile() (file *os.File, err error) {
	err = r.within(func(dir int, name string) error {
		fd, err := unix.Openat(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		if err == nil {
			file = os.NewFile(uintptr(fd), filepath.Join(r.path, name))
		}
		return err
	})
	return file, err
}

// Try returns an error if the folder cannot be made.
func (r *Folder) Try() error {
	return r.within(func(int, string) error { return nil })
}

// within calls make with a new name in the folder. If an event has removed the
// folder, as some remove all of /tmp, it makes another folder and tries again.
func (r *Folder) within(make func(dir int, name string) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.call(make)
	if err == unix.ENOENT && r.dir != nil {
		r.forget()
		err = r.call(make)
	}
	if errno, ok := err.(unix.Errno); ok {
		return &fs.PathError{Op: "write to", Path: r.path, Err: errno}
	}
	return err
}

func (r *Folder) call(make func(dir int, name string) error) error {
	if r.dir == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	r.names++
	return make(int(r.dir.Fd()), strconv.Itoa(r.names))
}

// open makes the folder and locks it. It tries again if another bootstrap has taken
// the new folder for a stale one.
func (r *Folder) open() error {
	for range 100 {
		path, err := os.MkdirTemp("", Prefix)
		if err != nil {
			return err
		}
		dir, err := openRun(path)
		switch {
		case err == nil && lock(dir) != unix.EWOULDBLOCK && isAt(path, dir):
			r.path, r.dir = path, dir
			return nil
		case err == nil:
			_ = dir.Close() // only read
		case !errors.Is(err, fs.ErrNotExist):
			return errors.Join(err, os.Remove(path))
		}
	}
	return fmt.Errorf("cannot lock a folder in %s: another process removes each new one", os.TempDir())
}

// Remove removes a file or a folder that was made here.
func (r *Folder) Remove(path string) error {
	r.mu.Lock()
	dir, run := r.dir, r.path
	r.mu.Unlock()
	if dir == nil || filepath.Dir(path) != filepath.Clean(run) {
		return nil // it was removed together with the run folder
	}
	err := removeAll(dir, filepath.Base(path))
	if errors.Is(err, os.ErrClosed) { // another slot has found it removed, and has closed it
		return nil
	}
	return err
}

// Close removes the folder if it is empty, as it is when the last slot closes.
func (r *Folder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir != nil && unix.Rmdir(r.path) != unix.ENOTEMPTY {
		r.forget()
	}
}

func (r *Folder) forget() {
	_ = r.dir.Close() // only read
	r.path, r.dir = "", nil
}

func openRun(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}

// lock locks a folder until it is closed. EWOULDBLOCK means that another process has
// locked it. A file system without locks returns another error: then a new folder is
// used unlocked, and no folder counts as stale.
func lock(dir *os.File) error { return unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// isAt reports whether an open folder is still at its path.
func isAt(path string, dir *os.File) bool {
	there, err := os.Lstat(path)
	if err != nil {
		return false
	}
	opened, err := dir.Stat()
	return err == nil && os.SameFile(there, opened)
}

// RemoveStale removes the folders of runs that were killed: a platform may start the
// next run with the same /tmp.
func RemoveStale() {
	temp, err := os.Open(os.TempDir())
	if err != nil {
		return // the next one that needs the folder reports the error
	}
	defer temp.Close()                // only read
	names, _ := temp.Readdirnames(-1) // after an error the names read so far count
	for _, name := range names {
		number, is := strings.CutPrefix(name, Prefix)
		if is && strings.Trim(number, "0123456789") == "" {
			removeIfStale(temp, name)
		}
	}
}

// removeIfStale removes a folder of our user if nobody has locked it. It leaves what
// it cannot remove.
func removeIfStale(temp *os.File, name string) {
	path := filepath.Join(temp.Name(), name)
	dir, err := openRun(path)
	if err != nil {
		return
	}
	defer dir.Close() // which also unlocks it
	var info unix.Stat_t
	if unix.Fstat(int(dir.Fd()), &info) == nil && int(info.Uid) == os.Geteuid() && lock(dir) == nil && isAt(path, dir) {
		_ = removeAll(temp, name)
	}
}
