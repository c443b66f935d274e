//go:build linux

package command

import (
	"bytes"
	"os"
	"runtime"
	"syscall"

	"bootstrap/protocol"

	"golang.org/x/sys/unix"
)

// Refusal returns why the kernel may have refused to run a file that Check accepts,
// or nil. A kernel may run programs of another processor, or of any format, by an
// emulator (binfmt_misc), so each file is started, and only a refusal is explained.
func Refusal(file string, errno error) *protocol.Failure {
	head := head(file)
	machine := machineOf(head)
	switch {
	case errno == syscall.EACCES:
		return forbidden(file)
	case !runs(machine):
		return protocol.Failuref("Function.BadInterpreter", "%s is built for another processor (%s), not for %s", file, machine, runtime.GOARCH)
	case !bytes.HasPrefix(head, []byte("\x7fELF")) && !bytes.HasPrefix(head, []byte("#!")):
		return noProgram(file)
	}
	return nil
}

// forbidden returns why a file with an execute bit must not run.
func forbidden(file string) *protocol.Failure {
	var system syscall.Statfs_t
	if err := syscall.Statfs(file, &system); err == nil && system.Flags&unix.ST_NOEXEC != 0 {
		return protocol.Failuref("Function.NotExecutable", "%s is on a file system that does not allow programs to run (noexec): put it elsewhere", file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil // it existed a moment ago
	}
	return protocol.Failuref("Function.NotExecutable", "the system does not let user %d run %s (mode %04o), or its interpreter: chmod 755 both before packing them", os.Geteuid(), file, info.Mode().Perm())
}
