//go:build linux

package adapters

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"runtime"
	"slices"
	"syscall"

	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"

	"golang.org/x/sys/unix"
)

// explain turns a program's failed start into what is wrong with the program.
// The kernel says "no such file" also when it means the interpreter.
func explain(err error) error {
	start, ok := errors.AsType[*process.StartError](err)
	if !ok {
		return err
	}
	switch {
	case isTooLong(start):
		return problem("Function.EventTooLarge", "cannot start %s: its arguments and environment are too long for Linux, which takes 128 KB for each and a few MB for all: the event, or a variable", start.Path)
	case start.Exhausted:
		return &supervisor.FatalError{Failure: problem("Runtime.TooManyProcesses", "%v", err)}
	case slices.Contains(shortages, start.Errno):
		return problem("Runtime.StartError", "%v", err)
	}
	if f := cmp.Or(inspect(start.Path), refusal(start.Path, start.Errno)); f != nil {
		return f
	}
	return problem("Function.StartError", "%v", err)
}

// isTooLong reports whether the arguments or the environment are too long.
// gVisor says ENAMETOOLONG for E2BIG; Linux says that of paths only.
func isTooLong(start *process.StartError) bool {
	if start.Errno == syscall.ENAMETOOLONG {
		return exists(start.Path)
	}
	return start.Errno == syscall.E2BIG
}

// shortages are the errors of a start that are not the program's fault.
var shortages = []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE}

// refusal says why the kernel may have refused to run a file in which inspect
// finds no fault; nil: nothing explains it. A kernel may run programs of another
// processor, or of any format, by an emulator (binfmt_misc), so they are tried.
func refusal(file string, errno error) *protocol.Failure {
	head := head(file)
	machine := machineOf(head)
	switch {
	case errno == syscall.EACCES:
		return forbidden(file)
	case !runs(machine):
		return problem("Function.BadInterpreter", "%s is built for another processor (%s), not for %s", file, machine, runtime.GOARCH)
	case !bytes.HasPrefix(head, []byte("\x7fELF")) && !bytes.HasPrefix(head, []byte("#!")):
		return noProgram(file)
	}
	return nil
}

// forbidden says why a file that has an execute bit may not be run.
func forbidden(file string) *protocol.Failure {
	var system syscall.Statfs_t
	if err := syscall.Statfs(file, &system); err == nil && system.Flags&unix.ST_NOEXEC != 0 {
		return problem("Function.NotExecutable", "%s lies in a file system that runs no programs (noexec): put it elsewhere", file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil // it has just been there
	}
	return problem("Function.NotExecutable", "the system does not let user %d run %s (mode %04o), or its interpreter: chmod 755 both before packing them", os.Geteuid(), file, info.Mode().Perm())
}
