package integration

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// neighbourArgs is the command of a process that represents other processes of
// a sandbox: extensions, and the platform's own.
var neighbourArgs = []string{"/bin/sleep", "543"}

// startNeighbour starts a neighbour that resembles a process of the function:
// it has the same user, environment, folder and limits. It is not our child,
// because this process becomes the runtime. It has loaded its program, so that
// isNeighbour recognizes it.
func startNeighbour(s surroundings) error {
	id := 0
	if s.user != 0 && mayMount() {
		id = s.id()
	}
	cmd := exec.Command(os.Args[0], neighbourFlag, strconv.Itoa(id))
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isEmulators), "FUNCTION_SLOT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot start the neighbour: %w: %s", err, out)
	}
	return nil
}

// leaveNeighbour starts a neighbour as a user, and exits.
func leaveNeighbour(args []string) error {
	id, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	cmd := exec.Command(neighbourArgs[0], neighbourArgs[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if id != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}
	}
	if err := cmd.Start(); err != nil { // returns when it has loaded its program
		return err
	}
	os.Exit(0)
	return nil
}

// isEmulators reports whether a variable is the mark by which the emulator finds the
// processes to kill with an instance, because a platform destroys the whole sandbox.
func isEmulators(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return strings.Contains(name, "RUNTIME_API")
}

// A brand is a limit on message queues, which has no effect on processes without any.
// All descendants of one start inherit it, so that the tests find them. The runtime
// does not know it.
type brand uint64

// Brands are numbers below the limit that Linux starts with.
const (
	firstBrand = 400_000
	brands     = 400_000
)

// brandBy returns the brand of the processes that a process starts.
func brandBy(pid int) brand { return brand(firstBrand + pid%brands) }

// brandOf returns the brand of a process, or 0 if it has none or has exited.
func brandOf(pid int) brand {
	var limit unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_MSGQUEUE, nil, &limit)
	if err != nil || limit.Cur < firstBrand || limit.Cur >= firstBrand+brands {
		return 0
	}
	return brand(limit.Cur)
}

// brandUs gives this process a brand of its own, which its descendants inherit.
func brandUs() error {
	var limit unix.Rlimit
	err := unix.Prlimit(0, unix.RLIMIT_MSGQUEUE, nil, &limit)
	if err == nil {
		limit.Cur = uint64(brandBy(os.Getpid()))
		err = unix.Prlimit(0, unix.RLIMIT_MSGQUEUE, &limit, nil)
	}
	if err != nil {
		return fmt.Errorf("cannot tell what comes from here from others: %w", err)
	}
	return nil
}

// isNeighbour reports whether a process is a neighbour.
func isNeighbour(pid int) bool {
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // gone: none
	return string(args) == strings.Join(neighbourArgs, "\x00")+"\x00"
}

// neighbours returns the living neighbours in a folder.
func neighbours(dir string) (pids []int) {
	for _, p := range processes() {
		if isNeighbour(p.pid) && workingFolder(p.pid) == dir {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// neighbourly checks that the neighbours of a function live, one for each runtime
// that was started, and then kills them. The exception is a runtime with its own
// process 1, whose end kills its neighbour.
func (p profile) neighbourly(t testing.TB, dir string, started int, running func() bool) {
	t.Helper()
	if p.denials == nil {
		return
	}
	var pids []int
	right := func() bool {
		pids = neighbours(dir)
		if p.around.deafInit && mayMount() {
			return len(pids) == 1 || !running()
		}
		return len(pids) == started
	}
	for deadline := time.Now().Add(5 * time.Second); !right(); time.Sleep(5 * time.Millisecond) { // process 1 may be about to exit
		if time.Now().After(deadline) {
			t.Errorf("%d neighbours live, want one for each of %d starts: the runtime must end only what is its own", len(pids), started)
			break
		}
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
