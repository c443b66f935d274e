//go:build linux

// Package dial makes TCP connections and looks up hosts. Package net does more, and would
// make the runtime 6% larger.
package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Conn is a connection whose calls block in the kernel. It is not a net.Conn, whose
// poller doubles the system calls of an exchange and needs more threads at the start.
// Only one goroutine may use it at a time. Interruptible lets the end of a context
// interrupt it.
type Conn struct {
	mu   sync.Mutex
	fd   int // -1 if closed
	turn int // counts the calls of Interruptible and their ends, so that a late hangUp has no effect
}

func connect(ctx context.Context, a netip.AddrPort) (*Conn, error) {
	if err := syscall.Shutdown(-1, syscall.SHUT_RDWR); IsDenied(err) { // EBADF: it is allowed
		return nil, fmt.Errorf("cannot shut down sockets: %w", err) // and so could never stop
	}
	family, to := sockaddr(a)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	c := &Conn{fd: fd}
	release := c.Interruptible(ctx)
	limit := syscall.NsecToTimeval(int64(connectTime))
	_ = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit) // cannot fail
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Connect(fd, to)
	}
	release()
	if err != nil && err != syscall.EISCONN { // EISCONN: the interrupted first attempt has connected
		c.Close()
		if err == syscall.EINPROGRESS || err == syscall.EALREADY { // connectTime is over
			err = os.ErrDeadlineExceeded
		}
		return nil, fmt.Errorf("cannot connect to %s: %w", a, err)
	}
	c.configure()
	return c, nil
}

// IsDenied reports whether an error says that the sandbox refuses a system call, so that
// another attempt would fail as well.
func IsDenied(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSYS)
}

func sockaddr(a netip.AddrPort) (family int, to syscall.Sockaddr) {
	if a.Addr().Is4() {
		return syscall.AF_INET, &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// configure removes the limit on writes, disables Nagle's algorithm, and enables
// keep-alive probes.
func (c *Conn) configure() {
	none := syscall.Timeval{}
	_ = syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &none) // none of these options can fail
	for _, option := range [][3]int{
		{syscall.SOL_TCP, syscall.TCP_NODELAY, 1},
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		{syscall.SOL_TCP, syscall.TCP_KEEPIDLE, 15},
		{syscall.SOL_TCP, syscall.TCP_KEEPINTVL, 15},
	} {
		_ = syscall.SetsockoptInt(c.fd, option[0], option[1], option[2])
	}
}

// Read blocks. After hangUp it returns the bytes that had arrived, then io.EOF.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(c.fd, p)
		if err == syscall.EAGAIN {
			err = c.wait(unix.POLLIN)
		}
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write blocks until the kernel has accepted all bytes.
func (c *Conn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := syscall.Write(c.fd, p[written:])
		if err == syscall.EAGAIN {
			err = c.wait(unix.POLLOUT)
		}
		if err != nil && err != syscall.EINTR {
			return written, err
		}
		written += max(n, 0)
	}
	return written, nil
}

// wait blocks until the socket is ready for one of the events, and returns EINTR so
// that the caller tries again. Reads and writes block without it, but not in gVisor
// with the network of its host: there they return EAGAIN, and only poll waits.
func (c *Conn) wait(events int16) error {
	fds := []unix.PollFd{{Fd: int32(c.fd), Events: events}}
	if _, err := unix.Poll(fds, -1); err != nil {
		return err
	}
	return syscall.EINTR
}

// IsIdle reports whether the connection seems open and the server has sent nothing
// since the last response. A server may send a 408 and hang up; that is not the
// response to the next request.
func (c *Conn) IsIdle() bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(c.fd, b[:], syscall.MSG_DONTWAIT|syscall.MSG_PEEK)
	return err == syscall.EAGAIN
}

// Interruptible interrupts all reads and writes shortly after the end of ctx, until
// release is called. Bytes that have arrived by then are still read.
func (c *Conn) Interruptible(ctx context.Context) (release func()) {
	turn := c.nextTurn()
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(moment, func() { c.hangUp(turn) })
	})
	return func() {
		if !stop() {
			c.nextTurn()
		}
	}
}

// moment is how long reads and writes go on after the end of their ctx.
const moment = 10 * time.Millisecond

func (c *Conn) nextTurn() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	return c.turn
}

// hangUp interrupts reads and writes, unless that turn is over.
func (c *Conn) hangUp(turn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 && turn == c.turn {
		_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR) // ENOTCONN: already disconnected
	}
}

// Close closes the descriptor. No goroutine may be reading or writing.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = syscall.Close(c.fd) // no error matters: nothing is in flight
	c.fd = -1
}
