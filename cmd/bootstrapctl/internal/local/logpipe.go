package local

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A logPipe takes what the processes of an instance write, and passes it on by lines.
type logPipe struct {
	file *os.File // where to write

	read    *os.File
	closing atomic.Bool   // nothing more is read
	closed  chan struct{} // closed when nobody can write any more, or after close

	mu      sync.Mutex
	onLine  func(line []byte)
	buf     []byte
	partial []byte // the beginning of a line
	recent  []byte // what was written since the last call of begin
}

const maxLine = 64 << 10 // bytes of a line that are kept until it ends

func newLogPipe(onLine func(line []byte)) (*logPipe, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	l := &logPipe{file: write, read: read, closed: make(chan struct{}), onLine: onLine, buf: make([]byte, 32<<10)}
	raw, err := read.SyscallConn()
	if err != nil {
		return nil, err
	}
	go func() { // ends when all writers have closed the pipe, or in close
		defer close(l.closed)
		_ = raw.Read(func(fd uintptr) bool { return !l.consume(int(fd)) })
	}()
	return l, nil
}

// begin forgets what was written before.
func (l *logPipe) begin() {
	l.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent = nil
}

// end returns what was written since begin, at most maxLog bytes of its end.
func (l *logPipe) end() []byte {
	l.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.recent[max(0, len(l.recent)-maxLog):])
}

// flush passes on what is in the pipe now, even if a process goes on writing.
func (l *logPipe) flush() {
	raw, err := l.read.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // an error: it is closed
		left, _ := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) // never fails for a pipe
		for n := 1; left > 0 && n > 0; left -= n {
			n, _ = l.readOnce(int(fd))
		}
	})
}

// close passes on what is in the pipe, and closes it, even if a process still has it
// open.
func (l *logPipe) close() {
	l.file.Close()
	l.flush()
	l.closing.Store(true)
	l.read.Close()
	<-l.closed
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.onLine(append(l.partial, '\n'))
	}
}

// consume passes on the bytes in the pipe, and reports whether more can come.
func (l *logPipe) consume(fd int) bool {
	for !l.closing.Load() {
		n, err := l.readOnce(fd)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return true
		case err != nil || n == 0:
			return false
		}
	}
	return false
}

// readOnce passes on some of the bytes in the pipe. It returns how many.
func (l *logPipe) readOnce(fd int) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := unix.Read(fd, l.buf)
	if n > 0 {
		l.take(l.buf[:n])
	}
	return n, err
}

func (l *logPipe) take(text []byte) {
	l.recent = append(l.recent, text...)
	if len(l.recent) > 2*maxLog {
		l.recent = bytes.Clone(l.recent[len(l.recent)-maxLog:])
	}
	for len(text) > 0 {
		n := bytes.IndexByte(text, '\n') + 1
		if n == 0 {
			n = len(text)
		}
		l.partial, text = append(l.partial, text[:n]...), text[n:]
		if l.partial[len(l.partial)-1] == '\n' || len(l.partial) > maxLine {
			l.onLine(l.partial)
			l.partial = l.partial[:0]
		}
	}
}
