package integration

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

const (
	withoutFlag = "-without" // CALL ERRNO COMMAND ARGUMENT…: a call of the runtime's own fails
	onlyFlag    = "-only"    // CALL,… COMMAND ARGUMENT…: any other one is its end
)

// The filters of the sweep apply to calls of the runtime itself. Its commands
// inherit them, but their code has other addresses: a Go program has the
// lowest, and the C library, which makes the calls of other programs, is far
// above.
var itsOwn = [][]seccomp.Check{
	seccomp.Words(seccomp.Address+4, 0),
	{{Offset: seccomp.Address, How: seccomp.AtLeast, With: 64 << 20, Not: true}},
}

// An ownCall is a call of the runtime, or only the calls with a certain value
// of one argument.
type ownCall struct{ number, argument, value uint32 }

// text returns the call as it is written in a command. parseCall reads it.
func (c ownCall) text() string { return fmt.Sprint(c.number, ":", c.argument, ":", c.value) }

func parseCall(text string) (c ownCall, err error) {
	_, err = fmt.Sscanf(text, "%d:%d:%d", &c.number, &c.argument, &c.value)
	return c, err
}

// without becomes a command that cannot make one call.
func without(args []string) error {
	if len(args) < 3 {
		return errNoCommand
	}
	c, err := parseCall(args[0])
	if err != nil {
		return err
	}
	errno, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	d := seccomp.Denies(syscall.Errno(errno), c.number).Where(itsOwn...)
	if c.value != 0 {
		d = d.Where(seccomp.Argument(c.argument, c.value))
	}
	return becomeBehind([]seccomp.Denial{d}, args[2:])
}

// only becomes a command that can make no calls but these.
func only(args []string) error {
	if len(args) < 2 {
		return errNoCommand
	}
	trap := seccomp.Denial{Lines: itsOwn, Answer: unix.SECCOMP_RET_TRAP}
	for _, text := range strings.Split(args[0], ",") {
		c, err := parseCall(text)
		if err != nil {
			return err
		}
		trap = trap.Where([]seccomp.Check{{Offset: seccomp.Call, How: seccomp.Equals, With: c.number, Not: true}})
	}
	return becomeBehind([]seccomp.Denial{trap}, args[1:])
}

// becomeBehind becomes a command behind a filter, with a call that the runtime
// never makes, because the filter applies to this process, too.
func becomeBehind(denials []seccomp.Denial, command []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	args, err := syscall.SlicePtrFromStrings(command)
	if err != nil {
		return err
	}
	environ, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	here := unix.AT_FDCWD
	if err := seccomp.Load(append([]seccomp.Denial{{Lines: [][]seccomp.Check{seccomp.Words(seccomp.Call, unix.SYS_EXECVEAT)}, Answer: unix.SECCOMP_RET_ALLOW}}, denials...)); err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(here), uintptr(unsafe.Pointer(name)),
		uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&environ[0])), 0, 0)
	return errno
}
