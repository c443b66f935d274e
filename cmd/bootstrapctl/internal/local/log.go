package local

import (
	"bytes"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/logpipe"
)

// An instanceLog takes what the processes of an instance write, and passes it on by lines.
type instanceLog struct {
	pipe   *logpipe.Pipe
	onLine func(line []byte)

	mu      sync.Mutex
	partial []byte // the beginning of a line
	recent  []byte // the output since the last call of begin
}

const (
	maxLine   = 64 << 10               // bytes of a line that are kept until it ends
	lastWords = 100 * time.Millisecond // how long close waits for processes that still hold the pipe
)

func newInstanceLog(onLine func(line []byte)) (l *instanceLog, err error) {
	l = &instanceLog{onLine: onLine}
	l.pipe, err = logpipe.New(l.take)
	return l, err
}

// begin discards everything written before.
func (l *instanceLog) begin() {
	l.pipe.Flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent = nil
}

// end returns the output since begin, or its last maxLog bytes.
func (l *instanceLog) end() []byte {
	l.pipe.Flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.recent[max(0, len(l.recent)-maxLog):])
}

// close passes on the remaining output, including an unfinished line.
func (l *instanceLog) close() {
	l.pipe.Close(lastWords)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.onLine(append(l.partial, '\n'))
	}
}

func (l *instanceLog) take(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
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
