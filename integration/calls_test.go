package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

// makeCalls makes system calls, given as NUMBER,ARGUMENT,…, and prints the kernel's
// result of each.
func makeCalls(args []string) error {
	for _, arg := range args {
		var call [7]uintptr
		for i, word := range strings.Split(arg, ",") {
			if _, err := fmt.Sscan(word, &call[i]); err != nil {
				return err
			}
		}
		_, _, errno := syscall.RawSyscall6(call[0], call[1], call[2], call[3], call[4], call[5], call[6])
		fmt.Println(unix.ErrnoName(errno))
	}
	os.Exit(0)
	return nil
}

// made returns the kernel's results of calls under a profile, and whether the
// first call killed the process.
func made(t *testing.T, profile string, calls ...[]uint32) (said []string, killed bool) {
	t.Helper()
	args := []string{filteredFlag, profile, os.Args[0], callsFlag}
	for _, call := range calls {
		args = append(args, strings.Trim(strings.ReplaceAll(fmt.Sprint(call), " ", ","), "[]"))
	}
	cmd := exec.Command(os.Args[0], args...)
	out, log, status := output(t, cmd)
	if ended := cmd.ProcessState.Sys().(syscall.WaitStatus); ended.Signal() == syscall.SIGSYS {
		return nil, true
	}
	if status != 0 {
		t.Fatalf("%s: got status %d, %s", profile, status, log)
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n"), false
}

// Each profile denies the calls that it lists with the error that it states.
// Otherwise the tests under it would prove nothing.
func TestProfilesDeny(t *testing.T) {
	for name, p := range profiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, d := range p.denials {
				checkDenial(t, d, name)
			}
		})
	}
}

func checkDenial(t *testing.T, d seccomp.Denial, profile string) {
	t.Helper()
	samples := d.Samples()
	if d.Answer == unix.SECCOMP_RET_KILL_PROCESS {
		for _, call := range samples {
			if _, killed := made(t, profile, call); !killed {
				t.Errorf("the call %v is not the end of the process", call)
			}
		}
		return
	}
	want := unix.ErrnoName(syscall.Errno(d.Answer &^ unix.SECCOMP_RET_ERRNO))
	said, _ := made(t, profile, samples...)
	for i, got := range said {
		if got != want {
			t.Errorf("to the call %v the kernel says %q, want %s", samples[i], got, want)
		}
	}
}

// Calls that resemble a denied call are allowed.
func TestProfilesAllow(t *testing.T) {
	const getDumpable = unix.PR_GET_DUMPABLE
	for name, row := range map[string]struct {
		call []uint32
		want string
	}{
		"lambda":         {[]uint32{unix.SYS_PRCTL, getDumpable}, ""},
		"gvisor":         {[]uint32{unix.SYS_PRLIMIT64, 0, unix.RLIMIT_RTTIME, 0, 0}, ""},
		"qemu-user":      {[]uint32{unix.SYS_PRCTL, getDumpable}, ""},
		"k8s-restricted": {[]uint32{unix.SYS_PRCTL, unix.PR_SET_CHILD_SUBREAPER, 1}, ""},
		"strict":         {[]uint32{unix.SYS_SETPGID, 0, 0}, ""},
		"killer":         {[]uint32{unix.SYS_PRCTL, unix.PR_SET_CHILD_SUBREAPER, 1}, ""},
		"old-kernel":     {[]uint32{unix.SYS_WAITID, unix.P_ALL, 0, 0, unix.WEXITED}, "ECHILD"},
	} {
		if said, _ := made(t, name, row.call); len(said) != 1 || said[0] != row.want {
			t.Errorf("%s: to the call %v the kernel says %q, want %q", name, row.call, said, row.want)
		}
	}
}
