package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// A platform is the smallest platform that can run a custom runtime of SCF. It serves
// one connection at a time, with blocking system calls, so that it adds little to the
// measured times. A runtime may close a connection and open another one, but not
// alternate between two.
type platform struct {
	port     int
	listener int
	conn     int // -1: none
	held     int // bytes of a request that were read into buf
	buf      []byte
	alive    func() bool // asked while nothing comes
}

// A request is valid until the next one is received.
type request struct {
	path, body []byte
}

const (
	slice   = 100 * time.Millisecond // how long a system call blocks
	silence = 20 * time.Second       // how long a runtime may say nothing
)

var (
	errSilent = fmt.Errorf("it said nothing for %v", silence)
	errExited = errors.New("it exited")
)

func newPlatform() (*platform, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	p := &platform{listener: fd, conn: -1, buf: make([]byte, 1<<16)}
	local := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.Bind(fd, local), syscall.Listen(fd, 16), limit(fd)); err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot tell the port: %w", err)
	}
	p.port = name.(*syscall.SockaddrInet4).Port
	return p, nil
}

// limit makes calls on fd return EAGAIN after a slice.
func limit(fd int) error {
	tv := syscall.NsecToTimeval(int64(slice))
	return errors.Join(
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv))
}

// patiently repeats a call until it returns data, the runtime has exited, or the limit
// is over.
func (p *platform) patiently(call func() (int, error)) (int, error) {
	for end := time.Now().Add(silence); ; {
		n, err := call()
		switch {
		case err == nil:
			return n, nil
		case err != syscall.EAGAIN && err != syscall.EINTR:
			return 0, err
		case !p.alive():
			return 0, errExited
		case time.Now().After(end):
			return 0, errSilent
		}
	}
}

func (p *platform) accept() error {
	conn, err := p.patiently(func() (int, error) {
		fd, _, err := syscall.Accept4(p.listener, syscall.SOCK_CLOEXEC)
		return fd, err
	})
	if err != nil {
		return err
	}
	p.conn = conn
	return errors.Join(limit(conn), syscall.SetsockoptInt(conn, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
}

// fill reads the available bytes. At the end of an idle connection it accepts the next
// one.
func (p *platform) fill() error {
	for {
		if p.conn < 0 {
			if err := p.accept(); err != nil {
				return err
			}
		}
		if p.held == len(p.buf) {
			p.buf = append(p.buf, make([]byte, len(p.buf))...)
		}
		n, err := p.patiently(func() (int, error) { return syscall.Read(p.conn, p.buf[p.held:]) })
		if p.held += n; err != nil || n > 0 {
			return err
		}
		if p.held > 0 {
			return errors.New("it hung up within a request")
		}
		_ = syscall.Close(p.conn) // the other end has
		p.conn = -1
	}
}

var headEnd = []byte("\r\n\r\n")

// receive waits for a whole request.
func (p *platform) receive() (request, error) {
	p.held = 0
	head := -1
	for head < 0 {
		if err := p.fill(); err != nil {
			return request{}, err
		}
		head = bytes.Index(p.buf[:p.held], headEnd)
	}
	path, length, err := p.parse(p.buf[:head])
	if err != nil {
		return request{}, err
	}
	path = bytes.Clone(path) // fill may move the buffer
	for start := head + len(headEnd); ; {
		if p.held == start+length {
			return request{path, p.buf[start:p.held]}, nil
		}
		if p.held > start+length {
			return request{}, errors.New("it sent more than a request")
		}
		if err := p.fill(); err != nil {
			return request{}, err
		}
	}
}

// parse parses the head of a request. It sends 100 Continue to a runtime that waits for
// that before it sends the body, as curl does.
func (p *platform) parse(head []byte) (path []byte, length int, err error) {
	first, rest, _ := bytes.Cut(head, []byte("\r\n"))
	words := bytes.Fields(first)
	if len(words) != 3 {
		return nil, 0, fmt.Errorf("it sent %q", first)
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			err = fmt.Errorf("it sent %q", line)
		case bytes.EqualFold(name, []byte("expect")):
			err = p.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return words[1], length, nil
}

// send writes a whole response.
func (p *platform) send(message []byte) error {
	for len(message) > 0 {
		n, err := p.patiently(func() (int, error) { return syscall.Write(p.conn, message) })
		if err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

func (p *platform) acknowledge() error {
	return p.send([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
}

// close closes the connection, the listener, and connections not accepted yet.
func (p *platform) close() {
	if p.conn >= 0 {
		_ = syscall.Close(p.conn) // nobody is there any more
	}
	_ = syscall.Close(p.listener)
}
