package emulator

import (
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// An instance is the process of a runtime, in a group of its own. It starts
// once and exits once.
type instance struct {
	cmd    *exec.Cmd
	mark   string        // an environment variable of all its processes
	done   chan struct{} // closed when the process is reaped and its output is complete
	limit  memoryLimit
	tree   *procfs.Tree
	memory atomic.Int64 // the maximum of the samples, in bytes
	peak   int64        // memory of the largest process in bytes, valid once done is closed; 0: unknown

	mu     sync.Mutex
	reaped bool        // the pid may belong to another process now: send no more signals
	asked  bool        // terminate has sent SIGTERM
	caller procfs.Stat // the process that made the first poll; zero: unknown
}

// startInstance calls start to start cmd. When the process exits, the rest of
// its group is killed, exited is called with the reason, and then done is
// closed.
func startInstance(cmd *exec.Cmd, mark string, limit memoryLimit, start func(*exec.Cmd) error, exited func(reason string)) (*instance, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.WaitDelay = 500 * time.Millisecond // for processes outside the group that hold our pipes
	if limit.group != nil {
		start = limit.group.starting(start)
	}
	if err := start(cmd); err != nil {
		return nil, err
	}
	i := &instance{cmd: cmd, mark: mark, limit: limit, tree: procfs.NewTree(cmd.Process.Pid), done: make(chan struct{})}
	go i.reap(exited) // ends with the process
	return i, nil
}

// pid returns the pid of the first process.
func (i *instance) pid() int { return i.cmd.Process.Pid }

// reap kills the group while the zombie of its leader keeps the group id from
// being reused, and then reaps the leader.
func (i *instance) reap(exited func(reason string)) {
	defer close(i.done)
	peek(i.pid())
	i.mu.Lock()
	_ = syscall.Kill(-i.pid(), syscall.SIGKILL) // ESRCH: the group is empty
	i.reaped = true
	i.mu.Unlock()
	_ = i.cmd.Wait() // ProcessState has the status
	i.tree.Close()   // another process may have the pid from now on
	i.peak = peakOf(i.cmd.ProcessState)
	exited(i.cmd.ProcessState.String())
}

// peek waits until the child has exited, without reaping it.
func peek(pid int) {
	const byPID = 1 // P_PID
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), 0,
			syscall.WEXITED|syscall.WNOWAIT, 0, 0)
		if errno != syscall.EINTR {
			return
		}
	}
}

// kill kills the process, its group, its descendants and marked processes
// outside the group, and waits until the process is reaped. It kills nothing if
// the process has already exited, because not every platform then discards the
// sandbox.
func (i *instance) kill() {
	if i.killGroup() {
		sweep(i.mark)
	}
	<-i.done
}

// killGroup kills the process, its group and its descendants, unless it has
// exited.
func (i *instance) killGroup() (ran bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reaped {
		return false
	}
	others := procfs.Descendants(i.pid())
	_ = syscall.Kill(-i.pid(), syscall.SIGKILL) // ESRCH: it has exited
	for _, pid := range others {
		_ = syscall.Kill(pid, syscall.SIGKILL) // ESRCH: it has exited
	}
	return true
}

// waitOrKill waits for the process to exit, and kills it after the grace.
func (i *instance) waitOrKill(grace time.Duration) {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-i.done:
	case <-timer.C:
		i.kill()
	}
}

// stop sends SIGTERM to the runtime unless it has got one, waits for the process to
// exit, and kills it after the grace.
func (i *instance) stop(grace time.Duration) {
	i.terminate()
	i.waitOrKill(grace)
}
