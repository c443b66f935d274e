package screen

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/logpipe"
)

// maxLine is the maximum number of bytes of an unfinished line that are kept.
const maxLine = 64 << 10

// maxRecent is the number of bytes of the log that are kept, so that the
// summary does not repeat them.
const maxRecent = 256 << 10

// lastWords is the maximum time that Close waits for the end of the log.
const lastWords = 500 * time.Millisecond

// A Log shows the lines that the runtime and the function log. Lines that were written
// before an answer was posted can be shown before the result.
type Log struct {
	File *os.File // where to write

	pipe *logpipe.Pipe

	mu     sync.Mutex
	screen *Screen
	line   []byte // the beginning of a line
	recent []byte // the end of the output
	why    string // the runtime's last error
}

// NewLog returns a log that is shown on s until Close.
func (s *Screen) NewLog() (l *Log, err error) {
	l = &Log{screen: s}
	if l.pipe, err = logpipe.New(l.take); err != nil {
		return nil, err
	}
	l.File = l.pipe.File
	return l, nil
}

// Flush shows everything that has been written so far.
func (l *Log) Flush() {
	l.pipe.Flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
}

// Close shows the rest of the log.
func (l *Log) Close() {
	l.pipe.Close(lastWords)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
}

func (l *Log) take(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
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

// noteComplaint stores the reason why the runtime cannot continue, and reports
// whether it is new.
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
