package integration

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"bootstrap/protocol"
)

// The sandbox may be CentOS 7.6, whose kernel is Linux 3.10. Here bootstrap and
// its commands run under a filter that answers as that kernel does to what
// came later.
func TestOldKernel(t *testing.T) {
	serveAll(t, protocol.SCF, os.Args[0], oldKernelFlag)
}

// The filter filters: otherwise the test above would show nothing.
func TestOldKernelFilter(t *testing.T) {
	const script = `import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(%d, b"name", 0)
print(errno.errorcode[ctypes.get_errno()])`
	memfdCreate := map[string]int{"amd64": 319, "arm64": 279}[runtime.GOARCH]
	out, _, status := output(t, exec.Command(os.Args[0], oldKernelFlag, "python3", "-c", fmt.Sprintf(script, memfdCreate)))
	if out != "ENOSYS\n" || status != 0 {
		t.Errorf("memfd_create, of Linux 3.17: got %q, status %d, want ENOSYS", out, status)
	}
}

// oldKernelFlag makes this test program run the rest of its arguments under
// the filter.
const oldKernelFlag = "-under-old-kernel"

// firstNewer is the number of the first system call that Linux 3.10 lacks.
var firstNewer = map[string]uint32{"amd64": 314, "arm64": 274}

func underOldKernel(args []string) {
	runtime.LockOSThread()
	path, err := exec.LookPath(args[0])
	if err == nil {
		err = filterSystemCalls()
	}
	if err == nil {
		err = syscall.Exec(path, args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "cannot run under the filter:", err)
	os.Exit(1)
}

// filterSystemCalls is for this thread, and for the program that it becomes.
func filterSystemCalls() error {
	const (
		setNoNewPrivs, setSeccomp, modeFilter = 38, 22, 2

		load, jumpGE, jumpEq, jumpSet, ret = 0x20, 0x35, 0x15, 0x45, 0x06
		number, argument0                  = 0, 16 // offsets in what a filter sees

		allow, fail = 0x7fff0000, 0x00050000
		pidfd       = 0x1000 // of clone
		byPidfd     = 3      // of waitid
	)
	filter := []syscall.SockFilter{
		{Code: load, K: number},
		{Code: jumpGE, K: firstNewer[runtime.GOARCH], Jt: 7},
		{Code: jumpEq, K: syscall.SYS_CLONE, Jf: 2},
		{Code: load, K: argument0},
		{Code: jumpSet, K: pidfd, Jt: 5, Jf: 3},
		{Code: jumpEq, K: syscall.SYS_WAITID, Jf: 2},
		{Code: load, K: argument0},
		{Code: jumpEq, K: byPidfd, Jt: 2},
		{Code: ret, K: allow},
		{Code: ret, K: fail | uint32(syscall.ENOSYS)},
		{Code: ret, K: fail | uint32(syscall.EINVAL)},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}
