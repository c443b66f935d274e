package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The roles of this program when the probe starts it.
const (
	roleWaiter   = "waiter" // waits for the end of its input, and prints its pid and that of its parent
	roleOrphaner = "maker"  // starts a waiter in a session of its own, and exits
)

// Child plays a role, and reports whether it exists.
func Child(role string) bool {
	switch role {
	case roleWaiter:
		_, _ = io.Copy(io.Discard, os.Stdin) // the probe has exited
		fmt.Println(os.Getpid(), os.Getppid())
	case roleOrphaner:
		_, _ = launch(roleWaiter, os.Stdin, os.Stdout, &syscall.SysProcAttr{Setsid: true}) // the probe notices that the waiter is missing
	default:
		return false
	}
	return true
}

// launch starts this program in a role.
func launch(role string, in, out *os.File, sys *syscall.SysProcAttr) (pid int, err error) {
	self, err := executable()
	if err != nil {
		return 0, err
	}
	return syscall.ForkExec(self, []string{self, "probe", role}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{in.Fd(), out.Fd(), out.Fd()},
		Sys:   sys,
	})
}

// executable returns the path of this program, even without /proc.
func executable() (string, error) {
	if self, err := os.Executable(); err == nil {
		return self, nil
	}
	name := os.Args[0]
	if strings.Contains(name, "/") {
		return filepath.Abs(name)
	}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return filepath.Abs(path)
		}
	}
	return "", errors.New("cannot find the path of this program")
}

// A child is this program in a role. It and its own child wait for the end of
// their input.
type child struct {
	pid     int
	in, out *os.File
}

// waitLimit bounds each wait. Waits take milliseconds, but some process 1 reaps
// zombies only now and then.
const waitLimit = 3 * time.Second

func start(role string, sys *syscall.SysProcAttr) (*child, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	defer theirOut.Close()
	pid, err := launch(role, theirIn, theirOut, sys)
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	return &child{pid, in, out}, nil
}

// closeAndRead closes the input and returns what the waiter prints then: its
// pid and that of its parent.
func (c *child) closeAndRead() (pid, parent int, err error) {
	_ = c.in.Close()
	_ = c.out.SetReadDeadline(time.Now().Add(waitLimit)) // a pipe supports deadlines
	text, err := io.ReadAll(c.out)
	_ = c.out.Close()
	first, second, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if err == nil {
		pid, err = strconv.Atoi(first)
	}
	if err == nil {
		parent, err = strconv.Atoi(second)
	}
	return pid, parent, err
}

// end waits for the child to exit, and kills it after waitLimit.
func (c *child) end() {
	killer := time.AfterFunc(waitLimit, func() { _ = syscall.Kill(c.pid, syscall.SIGKILL) })
	defer killer.Stop()
	for {
		if _, err := syscall.Wait4(c.pid, nil, 0, nil); err != syscall.EINTR {
			return
		}
	}
}

// An orphan is a process whose parent has exited. It is about to exit, too.
type orphan struct{ pid, parent int }

func makeOrphan() (o orphan, err error) {
	c, err := start(roleOrphaner, nil)
	if err != nil {
		return o, err
	}
	c.end()
	o.pid, o.parent, err = c.closeAndRead()
	return o, err
}

// waitReaped waits until the orphan has been reaped, and returns how long that
// took, or 0 if it is still a zombie.
func (o orphan) waitReaped() time.Duration {
	for began := time.Now(); time.Since(began) < waitLimit; time.Sleep(time.Millisecond) {
		if o.parent == os.Getpid() {
			_, _ = syscall.Wait4(o.pid, nil, syscall.WNOHANG, nil) // it may still run
		}
		if syscall.Kill(o.pid, 0) != nil {
			return max(time.Since(began), time.Millisecond)
		}
	}
	return 0
}
