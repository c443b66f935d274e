package screen

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxLine is how much of a line is kept until its end comes.
const maxLine = 64 << 10

// maxRecent is how much of the log is kept to tell what it has said already.
const maxRecent = 256 << 10

// lastWords is how long to wait for the end of the log once all who write to it
// are gone.
const lastWords = 500 * time.Millisecond

// A Log shows what the runtime and the function write. It is a pipe: what was
// written before an answer was posted can be shown before the result.
type Log struct {
	File *os.File // where to write

	read   *os.File
	closed chan struct{} // closed when all is shown

	mu     sync.Mutex
	screen *Screen
	line   []byte // the beginning of a line
	recent []byte // the end of what was written
	why    string // the runtime's last complaint
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
	go func() { // ends when nobody can write any more, or at the deadline of Close
		defer close(l.closed)
		_ = raw.Read(func(fd uintptr) bool { return !l.consume(int(fd)) }) // the deadline
	}()
	return l, nil
}

// Flush shows all that has been written so far.
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
	_ = l.read.SetReadDeadline(time.Now().Add(lastWords)) // else it waits for whoever holds the pipe
	<-l.closed
	l.Flush()
	l.read.Close()
}

// consume shows what is in the pipe. It reports whether more can come.
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

// endLine shows a line that has no end yet, and ends it.
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

// noteComplaint notes why the runtime cannot go on. It reports whether that is new.
func (l *Log) noteComplaint(why string) bool {
	why = strings.TrimPrefix(why, cannotStart)
	known := strings.Contains(l.why, why)
	l.why = why
	return !known
}

// forget starts afresh for the next event.
func (l *Log) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent, l.why = nil, ""
}

// lastLine is the last line in the log.
func (l *Log) lastLine() string {
	text := strings.TrimSpace(string(l.recent))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
