//go:build linux

// Package readonly starts programs that cannot write to a folder, as a function in
// the cloud cannot write to its code.
//
// A program starts in its own mount namespace, through a wrapper. The wrapper
// is the calling program itself: it makes the folder read-only in the namespace
// and then executes the program. The pid, the process group, the environment
// and the open files stay the same. An ordinary user needs a user namespace,
// too. In it, files of other users appear to belong to nobody.
package readonly

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Folder is a folder that can be made read-only for programs.
type Folder struct {
	dir  string
	user bool // in a user namespace, too: for all but root
}

// Protect returns the folder if this machine can make it read-only for a
// program. It tries that with the wrapper alone. The error says why it is not
// possible.
func Protect(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot find the folder: %w", err)
	}
	if dir == "/" {
		return nil, errors.New("cannot make the root folder read-only")
	}
	f := &Folder{dir: dir}
	if f.try() == nil {
		return f, nil
	}
	f.user = true
	if err := f.try(); err != nil {
		return nil, err
	}
	return f, nil
}

// try starts the wrapper without a program.
func (f *Folder) try() error {
	cmd := &exec.Cmd{Path: "/proc/self/exe"}
	err := f.startWrapper(cmd, nil, []string{""})
	var denied *os.PathError
	if errors.As(err, &denied) {
		return fmt.Errorf("cannot start a program in namespaces of its own: %w", denied.Err)
	}
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// Start starts cmd. Its program cannot write to the folder. Like cmd.Start,
// Start returns an error if the program cannot be run.
func (f *Folder) Start(cmd *exec.Cmd) error {
	if cmd.Err != nil {
		return cmd.Err
	}
	program, err := openOurs(cmd.Path)
	if err != nil {
		return err
	}
	defer program.Close() // nil: an error, which does not matter
	args := append([]string{cmd.Path}, cmd.Args...)
	cmd.Path = "/proc/self/exe"
	return f.startWrapper(cmd, program, args)
}

// openOurs opens a program whose path names one of our open files, or returns
// nil. A process in a user namespace may not follow such a path.
func openOurs(path string) (*os.File, error) {
	if !strings.HasPrefix(path, "/proc/"+strconv.Itoa(os.Getpid())+"/fd/") {
		return nil, nil
	}
	return os.Open(path)
}

// startWrapper starts the wrapper, and waits until it has replaced itself by
// the program, or exited. args are the path of the program and its arguments.
// The program runs if the pipe for errors closes without a byte.
func (f *Folder) startWrapper(cmd *exec.Cmd, program *os.File, args []string) error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot start the program: %w", err)
	}
	defer read.Close()
	w := wrapper{dir: f.dir, drop: f.user && os.Getuid() != 0, report: pass(cmd, write), program: pass(cmd, program), args: args}
	cmd.Args = w.encode()
	f.isolate(cmd)
	err = cmd.Start()
	write.Close()
	if err != nil {
		return err
	}
	trouble, err := io.ReadAll(read)
	if err != nil || len(trouble) > 0 {
		_ = cmd.Wait() // it has exited, or does so
		return errors.Join(err, errors.New(string(bytes.TrimSpace(trouble))))
	}
	return nil
}

// pass passes a file to cmd and returns its descriptor there, or 0 if the file
// is nil.
func pass(cmd *exec.Cmd, file *os.File) int {
	if file == nil {
		return 0
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	return 2 + len(cmd.ExtraFiles)
}

// isolate makes cmd start in its own namespaces. In the user namespace this
// user keeps its number, and may mount.
func (f *Folder) isolate(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	attr := cmd.SysProcAttr
	attr.Cloneflags |= syscall.CLONE_NEWNS
	if !f.user {
		return
	}
	uid, gid := os.Getuid(), os.Getgid()
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN} // until the wrapper drops it
}
