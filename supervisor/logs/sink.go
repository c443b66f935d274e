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

// pipeSize is how many bytes a pipe holds by default.
const pipeSize = 64 << 10

// pipeBuf is how many bytes a pipe takes without blocking once poll reports it
// ready, unless another process writes to it, too.
const pipeBuf = 4096

// A sink is where a log is written. Writing does not block, with one exception: a
// pipe or terminal of another user that accepts less than poll promised, for example
// because another process writes to it, too.
type sink struct {
	io.Writer
	fd   int // to wait for and to write to; -1 if a write never blocks
	send func(fd int, p []byte) (int, error)
	own  bool // fd was opened by newSink
}

// newSink returns a sink for the writer. It opens a pipe or a terminal again, so
// that O_NONBLOCK does not change it for the processes that share it.
func newSink(to io.Writer) *sink {
	s := &sink{Writer: to, fd: -1}
	file, isFile := to.(*os.File)
	if !isFile {
		return s
	}
	info, err := file.Stat()
	flags, _ := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	if err != nil || info.Mode().IsRegular() || flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		return s // a write never blocks
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

// take writes as much of p as possible without waiting. If writing fails, it
// returns the length of p, because there is nowhere to report the error.
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

// sendReady writes to a file that we were not allowed to open again because it
// belongs to another user.
func (s *sink) sendReady(fd int, p []byte) (int, error) {
	if !ready(fd, 0) {
		return 0, syscall.EAGAIN
	}
	return s.Write(p[:min(len(p), pipeBuf)])
}

// ready waits until fd can be written. A signal may interrupt the wait.
func ready(fd int, wait time.Duration) bool {
	ts := unix.NsecToTimespec(int64(wait))
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	_, err := unix.Ppoll(fds, &ts, nil)
	if err == nil || err == syscall.EINTR {
		return fds[0].Revents != 0
	}
	time.Sleep(min(wait, time.Millisecond)) // the kernel refuses ppoll, so try to write
	return true
}

// close closes the file that newSink has opened. Later writes may block.
func (s *sink) close() {
	if s.own {
		_ = syscall.Close(s.fd)
		s.fd, s.send, s.own = int(s.Writer.(*os.File).Fd()), s.sendReady, false
	}
}
