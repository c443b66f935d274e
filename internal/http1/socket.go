//go:build linux

package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A socket is a TCP connection whose calls block in the kernel. It is not a
// net.Conn, whose poller doubles the system calls of an exchange and needs more
// threads at the start. Only one goroutine may read or write; any may call hangUp.
type socket struct {
	mu   sync.Mutex
	fd   int // -1 if closed
	turn int // counts the calls of interruptible and their ends, so that a late hangUp has no effect
}

const connectTime = 3 * time.Second // to the runtime API, which is on this machine

// dial connects to host:port. Each address of the host gets connectTime.
func dial(ctx context.Context, address string) (s *socket, err error) {
	addresses, err := resolve(ctx, address)
	for _, a := range addresses {
		if s, err = connect(ctx, a); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func resolve(ctx context.Context, address string) (all []netip.AddrPort, err error) {
	if a, err := netip.ParseAddrPort(address); err == nil {
		return []netip.AddrPort{a}, nil
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", service)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for _, ip := range ips {
		all = append(all, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return all, err
}

func connect(ctx context.Context, a netip.AddrPort) (*socket, error) {
	if err := syscall.Shutdown(-1, syscall.SHUT_RDWR); IsDenied(err) { // EBADF: it is allowed
		return nil, fmt.Errorf("cannot shut down sockets: %w", err) // and so could never stop
	}
	family, to := sockaddr(a)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	s := &socket{fd: fd}
	release := s.interruptible(ctx)
	limit := syscall.NsecToTimeval(int64(connectTime))
	_ = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit) // cannot fail
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Connect(fd, to)
	}
	release()
	if err != nil && err != syscall.EISCONN { // EISCONN: the interrupted first attempt has connected
		s.Close()
		if err == syscall.EINPROGRESS || err == syscall.EALREADY { // connectTime is over
			err = os.ErrDeadlineExceeded
		}
		return nil, fmt.Errorf("cannot connect to %s: %w", a, err)
	}
	s.configure()
	return s, nil
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
func (s *socket) configure() {
	none := syscall.Timeval{}
	_ = syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &none) // none of these options can fail
	for _, option := range [][3]int{
		{syscall.SOL_TCP, syscall.TCP_NODELAY, 1},
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		{syscall.SOL_TCP, syscall.TCP_KEEPIDLE, 15},
		{syscall.SOL_TCP, syscall.TCP_KEEPINTVL, 15},
	} {
		_ = syscall.SetsockoptInt(s.fd, option[0], option[1], option[2])
	}
}

// Read blocks. After hangUp it returns the bytes that had arrived, then io.EOF.
func (s *socket) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(s.fd, p)
		if err == syscall.EAGAIN {
			err = s.wait(unix.POLLIN)
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

// Write blocks until the kernel has taken all bytes.
func (s *socket) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := syscall.Write(s.fd, p[written:])
		if err == syscall.EAGAIN {
			err = s.wait(unix.POLLOUT)
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
func (s *socket) wait(events int16) error {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: events}}
	if _, err := unix.Poll(fds, -1); err != nil {
		return err
	}
	return syscall.EINTR
}

// isIdle reports whether the connection seems open and the server has sent nothing
// since the last response. A server may send a 408 and hang up; that is not the
// response to the next request.
func (s *socket) isIdle() bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(s.fd, b[:], syscall.MSG_DONTWAIT|syscall.MSG_PEEK)
	return err == syscall.EAGAIN
}

// interruptible interrupts all reads and writes shortly after the end of ctx, until
// release is called. Bytes that have arrived by then are still read.
func (s *socket) interruptible(ctx context.Context) (release func()) {
	turn := s.nextTurn()
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(moment, func() { s.hangUp(turn) })
	})
	return func() {
		if !stop() {
			s.nextTurn()
		}
	}
}

// moment is how long reads and writes go on after the end of their ctx.
const moment = 10 * time.Millisecond

func (s *socket) nextTurn() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	return s.turn
}

// hangUp interrupts reads and writes, unless that turn is over.
func (s *socket) hangUp(turn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd >= 0 && turn == s.turn {
		_ = syscall.Shutdown(s.fd, syscall.SHUT_RDWR) // ENOTCONN: it is already over
	}
}

// Close closes the descriptor. No goroutine may be reading or writing.
func (s *socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = syscall.Close(s.fd) // no error matters: nothing is in flight
	s.fd = -1
}
