package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// stall is how long a Write may take before the rest of it is dropped: an event
// must have its answer in time, whoever reads the log.
const stall = time.Second

// pipeBuf is what a pipe takes at once where poll finds it ready.
const pipeBuf = 4096

// A Log takes what the command logs, as it is, and our own lines, each on a
// line of its own. Its Write never fails, and does not block for long: what
// nobody takes is dropped, and counted in the log once it goes on.
type Log struct {
	mu      sync.Mutex
	to      io.Writer
	half    bool // the last line has no end yet
	dropped int
}

// NewLog makes a Log that writes to a file, or to what else never blocks.
func NewLog(to io.Writer) *Log { return &Log{to: to} }

// Write is for what the command logs.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(p)
	return len(p), nil
}

// Own is for our own lines.
func (l *Log) Own() io.Writer { return ownLines{l} }

type ownLines struct{ *Log }

func (l ownLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(l.apart(string(p)))
	return len(p), nil
}

// apart is our text, not on the command's line.
func (l *Log) apart(text string) []byte {
	if l.half {
		text = "\n" + text
	}
	return []byte(text)
}

func (l *Log) write(p []byte) {
	for until := time.Now().Add(stall); len(p) > 0; {
		if !l.ready(until) {
			l.dropped += len(p)
			return
		}
		if l.dropped > 0 {
			p = append(l.apart(fmt.Sprintf("bootstrap: dropped %d bytes of the log, which nobody took\n", l.dropped)), p...)
			l.dropped = 0
		}
		n := min(len(p), pipeBuf)
		_, _ = l.to.Write(p[:n]) // a log that cannot be written: nobody to tell
		l.half = !bytes.HasSuffix(p[:n], []byte("\n"))
		p = p[n:]
	}
}

// ready waits until the log takes pipeBuf bytes; not again while it is stalled.
func (l *Log) ready(until time.Time) bool {
	file, ok := l.to.(*os.File)
	if !ok {
		return true
	}
	fds := []pollFd{{fd: int32(file.Fd()), events: pollOut}}
	for {
		wait := max(0, time.Until(until))
		if l.dropped > 0 {
			wait = 0
		}
		if poll(fds, wait) != nil || fds[0].revents != 0 || wait == 0 {
			return fds[0].revents != 0
		}
	}
}
