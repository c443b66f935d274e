package temp

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// removeAll removes a file, or a folder with everything in it, from dir. It opens
// each folder relative to the descriptor of its parent, and follows no link: another
// process may replace a folder by a link at any time, and nothing outside must
// change. The error is os.ErrClosed if dir is closed.
func removeAll(dir *os.File, name string) (err error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return err
	}
	closed := conn.Control(func(fd uintptr) { err = removeFrom(int(fd), name) }) // keeps dir open meanwhile
	if closed != nil {
		return os.ErrClosed
	}
	return err
}

func removeFrom(dir int, name string) (err error) {
	if unix.Unlinkat(dir, name, 0) == nil {
		return nil
	}
	const rounds = 10 // somebody may still write there
	for range rounds {
		if err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR); err == nil || err == unix.ENOENT {
			return nil
		}
		emptied := empty(dir, name)
		if emptied != nil {
			err = emptied
		}
	}
	return fmt.Errorf("cannot remove the folder %s: %w", name, err)
}

// empty removes everything in a folder. It returns the first error.
func empty(dir int, name string) error {
	top, err := openFolder(dir, name)
	if err != nil {
		return err
	}
	defer top.Close() // only read
	c := remover{top: int(top.Fd())}
	c.remove(top)
	for len(c.folders) > 0 {
		next := c.folders[0]
		c.folders = c.folders[1:]
		c.removeFolder(next)
	}
	return c.err
}

// A remover removes the content of a folder of any depth with three
// descriptors. It moves folders that are not empty to the top.
type remover struct {
	top     int
	folders []string // folders in top that remain to be removed
	moved   int      // number of folders moved so far
	err     error    // the first error
}

// removeFolder removes a folder that is in top.
func (c *remover) removeFolder(name string) {
	folder, err := openFolder(c.top, name)
	if err == nil {
		c.remove(folder)
		_ = folder.Close() // only read
		err = unix.Unlinkat(c.top, name, unix.AT_REMOVEDIR)
	}
	c.note(err)
}

// remove removes everything in a folder. It moves folders that are not empty to the
// top.
func (c *remover) remove(folder *os.File) {
	names, err := folder.Readdirnames(-1)
	c.note(err)
	for _, name := range names {
		dir := int(folder.Fd())
		err := unix.Unlinkat(dir, name, 0)
		if err == unix.EISDIR {
			err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
		}
		if err == unix.ENOTEMPTY || err == unix.EEXIST {
			err = c.move(dir, name)
		}
		c.note(err)
	}
}

// move moves a folder to the top, under a name that nothing else has there.
func (c *remover) move(dir int, name string) error {
	if dir == c.top {
		c.folders = append(c.folders, name)
		return nil
	}
	folder, err := openFolder(dir, name) // so that it may be moved
	if err != nil {
		return err
	}
	_ = folder.Close() // only read
	for err = unix.EEXIST; err == unix.EEXIST || err == unix.ENOTEMPTY || err == unix.ENOTDIR; {
		c.moved++
		free := "moved-" + strconv.Itoa(c.moved)
		if err = unix.Renameat(dir, name, c.top, free); err == nil {
			c.folders = append(c.folders, free)
		}
	}
	return err
}

func (c *remover) note(err error) {
	if c.err == nil && err != unix.ENOENT {
		c.err = err
	}
}

// openFolder opens a folder, even one that its owner may not read. It does not
// follow a link.
func openFolder(dir int, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	openToOwner(fd)
	readable, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(readable), name), nil
}

// openToOwner gives the owner of a folder all rights to it. If that fails, the
// removal fails and reports the error. The descriptor need not be open for
// reading: Linux 6.6 and later change the folder directly, and earlier versions
// need /proc.
func openToOwner(fd int) {
	var info unix.Stat_t
	if unix.Fstat(fd, &info) != nil || info.Mode&0o700 == 0o700 {
		return
	}
	if unix.Fchmodat(fd, "", 0o700, unix.AT_EMPTY_PATH) != nil {
		_ = unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), 0o700)
	}
}
