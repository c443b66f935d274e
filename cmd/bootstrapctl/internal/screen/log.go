package screen

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxLine is how many bytes of a line are kept until it ends.
const maxLine = 64 << 10

// maxRecent is how many bytes of the log are kept, to avoid repeating them in the
// summary.
const maxRecent = 256 << 10

// lastWords is how long Close waits for the end of the log.
const lastWords = 500 * time.Millisecond

// A Log shows the lines that the runtime and the function log. It is a pipe, so that
// lines written before an answer was posted can be shown before the result.
type Log struct {
	File *os.File // where to write

	read   *os.File
	closed chan struct{} // closed when everything is shown

	mu     sync.Mutex
	screen *Screen
	line   []byte // the beginning of a line
	recent []byte // the end of what was written
	why    string // the runtime's last error
}

// NewLog returns a log that is shown on s until Close.
func (s *Screen) NewLog() (*Log, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	l := &Log{File: write, read: read, closed: make(chan struct{}), screen: s}
	raw, err := read.SyscallConn()
	if err != nil {
		return nil, err
	}
	go func() { // ends when all writers have closed the pipe, or at the deadline of Close
		defer close(l.closed)
		_ = raw.Read(func(fd uintptr) bool { return !l.consume(int(fd)) }) // the deadline
	}()
	return l, nil
}

// Flush shows everything that has been written so far.
func (l *Log) Flush() {
	if raw, err := l.read.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { l.consume(int(fd)) }) // closed: all is shown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
}

// Close shows the rest.
func (l *Log) Close() {
	l.File.Close()
	_ = l.read.SetReadDeadline(time.Now().Add(lastWords)) // as a process may still hold the pipe
	<-l.closed
	l.Flush()
	l.read.Close()
}

// consume shows the bytes in the pipe, and reports whether more can come.
func (l *Log) consume(fd int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	buf := make([]byte, maxLine)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return true
		case err != nil || n == 0:
			return false
		default:
			l.take(buf[:n])
		}
	}
}

func (l *Log) take(text []byte) {
	l.recent = append(l.recent, text...)
	l.recent = l.recent[max(0, len(l.recent)-maxRecent):]
	for len(text) > 0 {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		l.line, text = append(l.line, line...), rest
		if found {
			l.line = append(l.line, '\n')
		}
		if found || len(l.line) > maxLine {
			l.show()
		}
	}
}

// endLine shows an unfinished line, and ends it.
func (l *Log) endLine() {
	if len(l.line) > 0 {
		l.line = append(l.line, '\n')
		l.show()
	}
}

func (l *Log) show() {
	l.screen.logLine(l, string(l.line))
	l.line = l.line[:0]
}

// noteComplaint stores why the runtime cannot go on, and reports whether that is
// new.
func (l *Log) noteComplaint(why string) bool {
	why = strings.TrimPrefix(why, cannotStart)
	known := strings.Contains(l.why, why)
	l.why = why
	return !known
}

// forget clears the log of the last event.
func (l *Log) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent, l.why = nil, ""
}

// lastLine returns the last line in the log.
func (l *Log) lastLine() string {
	text := strings.TrimSpace(string(l.recent))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
