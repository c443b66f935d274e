package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// neighbourArgs are the program and argument of a process that stands for what
// else there is in a sandbox: extensions, and the platform's own.
var neighbourArgs = []string{"/bin/sleep", "543"}

// startNeighbour starts one that looks like a process of the function: it has
// its user, its environment, its folder and its limits. It is not below us, as we
// become the runtime.
func startNeighbour(s surroundings) error {
	cmd := exec.Command("/bin/sh", "-c", strings.Join(neighbourArgs, " ")+" &")
	cmd.Env = append(os.Environ(), "FUNCTION_SLOT=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.user != 0 && os.Getuid() == 0 {
		id := uint32(s.user)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot start the neighbour: %w", err)
	}
	return nil
}

// A brand is a limit that means nothing to who opens no message queue, and that
// all inherit that come from one start. By it the tests find them wherever they
// hide; the runtime knows nothing of it.
const noBrand = 1 << 40

// brand gives this process one of its own.
func brand() {
	_ = unix.Prlimit(0, unix.RLIMIT_MSGQUEUE, &unix.Rlimit{Cur: noBrand + uint64(os.Getpid()), Max: unix.RLIM_INFINITY}, nil) // only root can; the tests have other ways, too
}

// brandOf is the number of the process that gave a process its brand; 0: it
// has none, or is gone.
func brandOf(pid int) int {
	var limit unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_MSGQUEUE, nil, &limit)
	if err != nil || limit.Cur <= noBrand || limit.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return int(limit.Cur - noBrand)
}

// isNeighbour reports whether a process is one.
func isNeighbour(pid int) bool {
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // gone: none
	return string(args) == strings.Join(neighbourArgs, "\x00")+"\x00"
}

// neighbours are the living ones in a folder.
func neighbours(dir string) (pids []int) {
	for _, p := range processes() {
		if isNeighbour(p.pid) && workingFolder(p.pid) == dir {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// neighbourly: the neighbours of a function live, as many as runtimes were
// started, unless that was the end of all there. They are ended then.
func (p profile) neighbourly(t testing.TB, dir string, started int, running bool) {
	t.Helper()
	if p.denials == nil {
		return
	}
	if own := p.around.deafInit && os.Getuid() == 0; own && running {
		started = 1
	} else if own {
		started = 0
	}
	pids := neighbours(dir)
	if len(pids) != started {
		t.Errorf("%d neighbours live, want %d: the runtime must end only what is its own", len(pids), started)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
