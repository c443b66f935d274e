package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"bootstrap/internal/seccomp"
)

// lambdaLookAlike imitates the known properties of Lambda's sandbox: only /tmp
// is writable, /dev is almost empty, bootstrap cannot adopt orphans, and
// process 1 waits only for its own child.
func lambdaLookAlike() []string {
	itself()
	words := []string{"bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--as-pid-1",
		"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--ro-bind", "/", "/", "--ro-bind", programs, "/mnt",
		"--proc", "/proc", "--tmpfs", "/tmp", "--chmod", "1777", "/tmp", "--chdir", "/tmp", "--tmpfs", "/dev"}
	for _, device := range []string{"null", "zero", "random", "urandom"} {
		words = append(words, "--dev-bind", "/dev/"+device, "/dev/"+device)
	}
	for fd, name := range []string{"stdin", "stdout", "stderr"} {
		words = append(words, "--symlink", fmt.Sprint("/proc/self/fd/", fd), "/dev/"+name)
	}
	return append(words, "--remount-ro", "/dev", "--setenv", programsVariable, "/mnt", "/mnt/scenarios", lookAlikeFlag, "/mnt/scenarios")
}

// lookAlikeFlag makes this test program process 1 of the look-alike.
const lookAlikeFlag = "-as-process-1"

// runAsProcess1 runs a command as Lambda runs a function. It waits only for
// that command, so orphans stay zombies.
func runAsProcess1(args []string) (status int) {
	const user, group, most = 993, 990, 1024
	runtime.LockOSThread() // the filter is this thread's, and its child's
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: group}}
	const processes, setSubreaper = 6, 36 // RLIMIT_NPROC, PR_SET_CHILD_SUBREAPER
	err := errors.Join(
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: most, Max: most}),
		syscall.Setrlimit(processes, &syscall.Rlimit{Cur: most, Max: most}),
		seccomp.DenyWith(syscall.SYS_PRCTL, setSubreaper, syscall.EPERM))
	if err == nil {
		err = cmd.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
