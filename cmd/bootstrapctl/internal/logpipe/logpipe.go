// Package logpipe reads what processes write to a pipe, so that output written
// before an answer can be shown before the answer.
package logpipe

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A Pipe passes on what is written to its File.
type Pipe struct {
	File *os.File // where processes write

	read    *os.File
	closing atomic.Bool   // nothing more is read in the background
	closed  chan struct{} // closed when no process can write any more, or in Close

	mu   sync.Mutex
	take func(text []byte)
	buf  []byte
}

// New returns a pipe that passes bytes to take, one call at a time. The caller must
// close it.
func New(take func(text []byte)) (*Pipe, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &Pipe{File: write, read: read, closed: make(chan struct{}), take: take, buf: make([]byte, 32<<10)}
	raw, err := read.SyscallConn()
	if err != nil {
		return nil, err
	}
	go func() { // ends when all writers have closed the pipe, or in Close
		defer close(p.closed)
		_ = raw.Read(func(fd uintptr) bool { return !p.consume(int(fd)) }) // an error: the deadline of Close
	}()
	return p, nil
}

// Flush passes on everything that has been written so far, even if a process keeps
// writing.
func (p *Pipe) Flush() {
	raw, err := p.read.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // an error: it is closed
		left, _ := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) // never fails for a pipe
		for n := 1; left > 0 && n > 0; left -= n {
			n, _ = p.readOnce(int(fd))
		}
	})
}

// Close waits until no process has the pipe open, at most for that time, passes on the
// rest, and closes the pipe.
func (p *Pipe) Close(wait time.Duration) {
	p.File.Close()
	_ = p.read.SetReadDeadline(time.Now().Add(wait)) // pipes have deadlines
	enough := time.AfterFunc(wait, func() { p.closing.Store(true) })
	<-p.closed
	enough.Stop()
	p.Flush()
	p.read.Close()
}

// consume passes on the bytes in the pipe, and reports whether more can come.
func (p *Pipe) consume(fd int) bool {
	for !p.closing.Load() {
		n, err := p.readOnce(fd)
		switch {
		case err == unix.EAGAIN:
			return true
		case err != nil || n == 0:
			return false
		}
	}
	return false
}

// readOnce passes on some of the bytes in the pipe. It returns how many.
func (p *Pipe) readOnce(fd int) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for err = unix.EINTR; err == unix.EINTR; {
		n, err = unix.Read(fd, p.buf)
	}
	if n > 0 {
		p.take(p.buf[:n])
	}
	return n, err
}
