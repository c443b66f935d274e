package process

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hasExited reports whether a child has exited. It does not reap the child, so
// that its pid stays taken, and does not block. The error is ECHILD if there is
// no such child. idType is unix.P_PID, or unix.P_ALL for any child.
func hasExited(idType, id int) (bool, error) {
	var info unix.Siginfo // Signo stays 0 unless such a child has exited
	for {
		err := unix.Waitid(idType, id, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != syscall.EINTR {
			return info.Signo != 0, err
		}
	}
}

// becomeSubreaper makes us the parent of all orphans among our descendants
// (Linux 3.4).
func becomeSubreaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// poll waits until one of fds is ready or the timeout is over. A signal may end
// the wait early. If the kernel refuses ppoll, poll sleeps briefly and marks
// all fds as ready. That is safe because our ends of the pipes do not block.
func poll(fds []unix.PollFd, timeout time.Duration) error {
	ts := unix.NsecToTimespec(int64(timeout))
	_, err := unix.Ppoll(fds, &ts, nil)
	switch {
	case err == nil || err == syscall.EINTR:
		return nil
	case !refused(err):
		return err
	}
	time.Sleep(min(timeout, time.Millisecond))
	for i := range fds {
		if fds[i].Fd >= 0 {
			fds[i].Revents = fds[i].Events
		}
	}
	return nil
}

// yield lets another thread run on this processor.
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
