//go:build linux

// Package readonly starts programs that cannot write to a folder, as a function in
// the cloud cannot write to its code.
//
// A program starts in a mount namespace of its own, through a wrapper: this very
// program, which makes the folder read-only there and then replaces itself. The pid,
// the process group, the environment and the open files stay as they are. An ordinary
// user needs a user namespace, in which the files of other users seem to be nobody's.
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

// A Folder is one that programs can be kept from writing to.
type Folder struct {
	dir  string
	user bool // in a user namespace, too: for all but root
}

// Protect returns the folder if this machine can keep a program from writing to it,
// which it tries. The error says why not.
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

// Start starts cmd, whose program cannot write to the folder. Like cmd.Start it
// returns an error if the program cannot be run.
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

// openOurs opens a program that is one of our open files, or returns nil. Within a
// user namespace nobody may look into ours.
func openOurs(path string) (*os.File, error) {
	if !strings.HasPrefix(path, "/proc/"+strconv.Itoa(os.Getpid())+"/fd/") {
		return nil, nil
	}
	return os.Open(path)
}

// startWrapper starts the wrapper, and waits until it has replaced itself by the
// program, or exited. args are the path of the program and its arguments. A pipe
// that ends in silence says that all went well.
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

// pass passes a file on to cmd and returns its number there; of nil: 0.
func pass(cmd *exec.Cmd, file *os.File) int {
	if file == nil {
		return 0
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	return 2 + len(cmd.ExtraFiles)
}

// isolate makes cmd start in namespaces of its own. In a user namespace all users
// keep their numbers, and an ordinary user may mount there.
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
