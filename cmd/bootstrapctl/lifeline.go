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

// A lifeline is a pipe to a watcher, which is a second process of this program. If
// this process dies without stopping the runtime (SIGKILL, SIGQUIT, a crash), the
// watcher kills the runtime and its descendants. The runtime is still a child of
// this process, not of the watcher.
//
// Pdeathsig cannot do that: it fires when the thread that forked exits.
type lifeline struct {
	end     *os.File // closed by the kernel when this process exits
	watcher *exec.Cmd
}

// watchFlag makes invoke the watcher. The mark of the processes to kill follows it.
const watchFlag = "-watch"

// holdLifeline starts a watcher over all processes that have the mark in their
// environment. From then on, this process adopts the orphans of the runtime.
func holdLifeline(mark string) (*lifeline, error) {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // on an error, orphans without the mark go on running
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

// release stops the watcher, as there is nothing left to watch.
func (l *lifeline) release() {
	_ = l.watcher.Process.Kill()
	_ = l.watcher.Wait() // reports only that it was killed
	l.end.Close()
}

// watch runs the watcher. Its stdin is the pipe of the lifeline, which ends when the
// other process exits.
func watch(mark string, stdin io.Reader) int {
	_, _ = io.Copy(io.Discard, stdin) // only its end matters
	emulator.Sweep(mark)
	return exitResult
}

// clearAdopted kills the processes that this process has adopted, and the children
// that they leave, and returns their names. These are all of its children but the
// watcher.
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
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it has already exited
			_, _ = syscall.Wait4(pid, nil, 0, nil) // its own children are ours now
		}
	}
}
