//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"bootstrap/internal/procfs"
	"bootstrap/protocol/emulator"

	"golang.org/x/sys/unix"
)

// A lifeline is a pipe to a watcher: a process of this program that kills the
// runtime, and all that it has started, when this process is gone without
// having done so itself (SIGKILL, SIGQUIT, a crash). The watcher is not the
// parent of the runtime, so that nothing is between the two of them.
//
// Pdeathsig is no way to do that: it fires when the thread that forked exits.
type lifeline struct {
	end     *os.File // closed by the kernel when this process is gone
	watcher *exec.Cmd
}

// watchFlag, and the mark of what to watch, make invoke the watcher.
const watchFlag = "-watch"

// holdLifeline starts a watcher over all processes that have a variable. From
// then on this process adopts what the runtime leaves behind.
func holdLifeline(mark string) (*lifeline, error) {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // refused: orphans without the mark stay
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot watch the runtime: %w", err)
	}
	defer read.Close()
	cmd := exec.Command("/proc/self/exe", "invoke", watchFlag, mark)
	cmd.Stdin, cmd.Env = read, []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-\ must not reach it
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("cannot watch the runtime: %w", err)
	}
	return &lifeline{end: write, watcher: cmd}, nil
}

// release ends the watcher: nothing is left to watch.
func (l *lifeline) release() {
	_ = l.watcher.Process.Kill()
	_ = l.watcher.Wait() // killed
	l.end.Close()
}

// watch is the watcher: stdin ends when there is nobody left who would stop the
// runtime.
func watch(mark string, stdin io.Reader) int {
	_, _ = io.Copy(io.Discard, stdin) // its end is all that it says
	emulator.Sweep(mark)
	return exitResult
}

// clearAdopted kills the processes that this process has adopted, and what they
// start, and names them: all of its children but the watcher.
func (l *lifeline) clearAdopted() (killed []string) {
	for {
		adopted := slices.DeleteFunc(procfs.Children(os.Getpid()), func(pid int) bool { return pid == l.watcher.Process.Pid })
		if len(adopted) == 0 {
			return killed
		}
		for _, pid := range adopted {
			if procfs.ReadStat(pid).Living() {
				killed = append(killed, fmt.Sprintf("%s (%d)", procfs.Name(pid), pid))
			}
			_ = syscall.Kill(pid, syscall.SIGKILL) // dead already: the same
			_, _ = syscall.Wait4(pid, nil, 0, nil) // its own children are ours now
		}
	}
}
