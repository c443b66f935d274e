package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pipeSize is how much a pipe holds, unless it was enlarged.
const pipeSize = 64 << 10

// pipeBuf is what a pipe takes at once where poll finds it ready, unless
// another writes to it, too.
const pipeBuf = 4096

// A sink is what a log is written to. Writing to it does not wait, but for a
// pipe or terminal of another user, where somebody else writes to it, or it has
// less room than it says.
type sink struct {
	io.Writer
	fd   int // to wait for, and to write to; -1: it never blocks
	send func(fd int, p []byte) (int, error)
	own  bool // fd is our own
}

// newSink looks at what the log is. We open a pipe or a terminal again: whether
// that waits is our choice then, and changes nothing for others who have it.
func newSink(to io.Writer) *sink {
	s := &sink{Writer: to, fd: -1}
	file, isFile := to.(*os.File)
	if !isFile {
		return s
	}
	info, err := file.Stat()
	flags, _ := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	if err != nil || info.Mode().IsRegular() || flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		return s // a write is taken, or fails
	}
	s.fd, s.send = int(file.Fd()), s.sendReady
	if info.Mode()&os.ModeSocket != 0 {
		s.send = sendSocket
		return s
	}
	again, err := syscall.Open(fmt.Sprintf("/proc/self/fd/%d", s.fd), syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err == nil {
		s.fd, s.send, s.own = again, syscall.Write, true
	}
	return s
}

// take writes as much of p as is taken at once. A log that cannot be written
// takes all: there is nobody to tell.
func (s *sink) take(p []byte) (n int) {
	if s.fd < 0 {
		_, _ = s.Write(p)
		return len(p)
	}
	for n < len(p) {
		took, err := s.send(s.fd, p[n:])
		n += max(took, 0)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return n
		case err != nil && err != syscall.EINTR:
			return len(p)
		}
	}
	return n
}

func sendSocket(fd int, p []byte) (int, error) {
	return syscall.SendmsgN(fd, p, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
}

// sendReady is for what we may not open again: the kernel asks who owns it.
func (s *sink) sendReady(fd int, p []byte) (int, error) {
	if !ready(fd, 0) {
		return 0, syscall.EAGAIN
	}
	return s.Write(p[:min(len(p), pipeBuf)])
}

// ready waits until fd takes something; a signal may end it early.
func ready(fd int, wait time.Duration) bool {
	ts := unix.NsecToTimespec(int64(wait))
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	_, err := unix.Ppoll(fds, &ts, nil)
	if err == nil || err == syscall.EINTR {
		return fds[0].Revents != 0
	}
	time.Sleep(min(wait, time.Millisecond)) // the kernel refuses ppoll: a write will tell
	return true
}

// close gives back what is our own; what is written from then on may wait.
func (s *sink) close() {
	if s.own {
		_ = syscall.Close(s.fd)
		s.fd, s.send, s.own = int(s.Writer.(*os.File).Fd()), s.sendReady, false
	}
}
