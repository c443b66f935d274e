package emulator

import (
	"os/exec"
	"sync"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// An instance is the process of a runtime, in a group of its own. It starts
// once and ends once.
type instance struct {
	cmd  *exec.Cmd
	mark string        // the variable that its processes have
	done chan struct{} // closed when it is reaped and its output read to the end
	peak int64         // bytes of its largest process, valid once done is closed; 0: not known

	mu     sync.Mutex
	reaped bool        // its number may belong to another process: no signals any more
	caller procfs.Stat // the process that asked for the first event; zero: not known
}

// startInstance starts cmd and calls exited with the way it ended, just before
// done is closed. When the process is gone, so is the rest of its group.
func startInstance(cmd *exec.Cmd, mark string, exited func(reason string)) (*instance, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 500 * time.Millisecond // for what left the group and holds our pipes
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	i := &instance{cmd: cmd, mark: mark, done: make(chan struct{})}
	go i.reap(exited) // ends when the process does
	return i, nil
}

func (i *instance) pid() int { return i.cmd.Process.Pid }

// reap sweeps the group while its dead leader still holds its number.
func (i *instance) reap(exited func(reason string)) {
	defer close(i.done)
	peek(i.pid())
	i.mu.Lock()
	_ = syscall.Kill(-i.pid(), syscall.SIGKILL) // nobody else may be left
	i.reaped = true
	i.mu.Unlock()
	_ = i.cmd.Wait() // ProcessState tells
	i.peak = peakOf(i.cmd.ProcessState)
	exited(i.cmd.ProcessState.String())
}

// peek blocks until the child has ended, and leaves it a zombie.
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

// kill ends the process with its group, its descendants and what these have
// left behind, and blocks until they are gone. It does nothing if the process
// has ended: not every platform throws the sandbox away then.
func (i *instance) kill() {
	if i.killGroup() {
		sweep(i.mark)
	}
	<-i.done
}

// killGroup kills the process with its group and its descendants, if it runs.
func (i *instance) killGroup() (ran bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reaped {
		return false
	}
	others := procfs.Descendants(i.pid())
	_ = syscall.Kill(-i.pid(), syscall.SIGKILL) // gone: so much the better
	for _, pid := range others {
		_ = syscall.Kill(pid, syscall.SIGKILL) // the same
	}
	return true
}

// waitOrKill blocks until the process has ended by itself, which it has to within
// grace.
func (i *instance) waitOrKill(grace time.Duration) {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-i.done:
	case <-timer.C:
		i.kill()
	}
}

// stop asks the runtime to end, and blocks until the process has.
func (i *instance) stop(grace time.Duration) {
	i.terminate()
	i.waitOrKill(grace)
}
