package supervisor

import (
	"syscall"
	"time"
	"unsafe"
)

// The system calls that package syscall lacks; the only unsafe code. All are
// older than Linux 3.10.

const (
	idAny = 0 // waitid: any child
	idPid = 1 // waitid: the one with this pid

	wnohang = 0x1
	wexited = 0x4
	wnowait = 0x1000000 // look, do not reap

	prSetChildSubreaper = 36

	pollIn  = 0x1
	pollOut = 0x4
)

// siginfo is what waitid says of a child, on 64-bit Linux.
type siginfo struct {
	signo, errno, code, _ int32
	pid                   int32
	_                     [128 - 5*4]byte
}

// peek looks at a child that has exited without reaping it, so that its pid
// stays taken. It returns 0 when there is none yet, and ECHILD when there is
// no such child at all. It does not block.
func peek(idType, id int) (pid int, err error) {
	var info siginfo
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, uintptr(idType), uintptr(id),
			uintptr(unsafe.Pointer(&info)), wexited|wnohang|wnowait, 0, 0)
		switch errno {
		case 0:
			return int(info.pid), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// becomeSubreaper makes us the parent of all orphans among our descendants
// (Linux 3.4).
func becomeSubreaper() error {
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// pollFd is one descriptor to wait for.
type pollFd struct {
	fd      int32
	events  int16
	revents int16 // not 0: ready, at its end, or broken
}

// poll waits until one of fds is ready or the time is over; a signal may end
// it early. Where the kernel refuses ppoll it naps and calls all of them ready:
// our ends of pipes do not block.
func poll(fds []pollFd, timeout time.Duration) error {
	ts := syscall.NsecToTimespec(int64(timeout))
	_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))),
		uintptr(len(fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	switch {
	case errno == 0 || errno == syscall.EINTR:
		return nil
	case !refused(errno):
		return errno
	}
	time.Sleep(min(timeout, time.Millisecond))
	for i := range fds {
		if fds[i].fd >= 0 {
			fds[i].revents = fds[i].events
		}
	}
	return nil
}

// yield lets another thread run on this processor.
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
