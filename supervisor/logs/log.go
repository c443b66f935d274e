// Package logs owns log lines: it adds prefixes, makes JSON records, keeps lines for
// slow readers, and hides secrets.
package logs

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// A Style says how lines are logged. The zero value passes the command's bytes
// on as they are, at once.
type Style struct {
	Prefix bool // lines of the command stay whole and begin with the request id of their event and a space
	JSON   bool // each line is one JSON object, as record.go describes; Prefix has no effect

	Mask func(string) string // hides secrets in our own lines; nil: nothing is hidden
}

// A Log takes the output of commands and sidecars, and our own lines, each on a
// line of its own. Writing to it never fails, and does not wait for long: if the
// reader does not keep up, bytes are dropped, and a line counts them once the
// reader reads again. All methods may be called at any time, from any goroutine.
type Log struct {
	style     Style
	hold      time.Duration // how long a record waits for its next line
	pause     time.Duration // how long Flush waits for a reader that reads nothing
	backlog   *backlog
	ownBudget waitBudget // for our own lines

	mu      sync.Mutex
	sources []*Source
}

// NewLog returns a Log that writes to a file, or to another writer that never
// blocks.
func NewLog(to io.Writer, style Style) *Log {
	l := &Log{style: style, hold: 100 * time.Millisecond, pause: flushPause, ownBudget: waitBudget{left: maxWait}}
	l.backlog = newBacklog(to, l.gap)
	return l
}

// Source adds a source of log lines: a slot that serves events, or the sidecar of
// that name if name is not empty. A source lives as long as the log.
func (l *Log) Source(name string) *Source {
	s := &Source{log: l, name: name, budget: waitBudget{left: maxWait}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sources = append(l.sources, s)
	return s
}

// Close writes everything that the log holds, at the end of the program. It gives
// up after limit, or when the reader has read nothing for as long as pause. Lines
// that are logged later belong to no event and do not wait for the reader.
func (l *Log) Close(limit, pause time.Duration) {
	until := time.Now().Add(limit)
	l.mu.Lock()
	sources := slices.Clone(l.sources)
	l.mu.Unlock()
	for _, s := range sources {
		s.Begin("", until)
	}
	l.backlog.finish(limit, pause)
}

// gap returns the line that counts dropped bytes.
func (l *Log) gap(dropped int) []byte {
	return l.ownLine("warn", fmt.Sprintf("dropped %d bytes of the log: its reader is too slow", dropped))
}

// ownLine returns a line of our own that does not come from package hclog.
func (l *Log) ownLine(level, text string) []byte {
	if l.style.JSON {
		return appendRecord(nil, append(head(time.Now(), level, "", ownStream), field{"message", text}))
	}
	return []byte("bootstrap: " + text + "\n")
}

// A Source logs the output of the commands of one slot, or of one sidecar.
type Source struct {
	log  *Log
	name string // of the sidecar; empty for a command

	mu      sync.Mutex
	id      string // of the event; empty between events
	budget  waitBudget
	streams []*stream
	out     []byte // whole lines, written together by emit
}

// Stream adds a writer for "stdout" or "stderr". Each stream joins the parts of
// its own lines. It lives as long as the source: Close only says that a process
// has exited, and logs the lines that the stream holds.
func (s *Source) Stream(name string) io.WriteCloser {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := &stream{source: s, name: name}
	s.streams = append(s.streams, stream)
	return stream
}

// Begin starts an event: lines that are logged from now on belong to it. The
// source waits for the log's reader no longer than half of the time that is left
// before until. Zero means no such limit.
func (s *Source) Begin(id string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	s.id, s.budget.until = id, until
	if !until.IsZero() {
		s.budget.until = until.Add(-time.Until(until) / 2)
	}
}

// Flush ends the log of an event before its answer is posted, or the log of a
// sidecar. It logs the open lines and records of all streams and waits until
// the log has written them. It gives up when the reader reads nothing for a
// moment, or little for a second; the log writes the rest later. Lines that are
// logged from now on belong to no event.
func (s *Source) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	s.log.backlog.flush(&s.budget, s.log.pause, false)
	s.id, s.budget.until = "", time.Time{}
}

// isRaw reports whether the source's bytes are logged unchanged.
func (s *Source) isRaw() bool {
	style := &s.log.style
	return s.name == "" && !style.Prefix && !style.JSON
}

// release writes the open lines and records of all streams.
func (s *Source) release() {
	for _, stream := range s.streams {
		stream.release()
	}
	s.emit()
}

// emit writes the lines that streams have collected in out.
func (s *Source) emit() {
	s.log.backlog.write(s.out, true, &s.budget)
	s.out = s.out[:0]
	if cap(s.out) > 2*pipeSize {
		s.out = nil
	}
}

// Complaints returns a writer for the reasons why bootstrap cannot start. Each
// Write is a text of one or more lines; with JSON it becomes one record. Secrets
// are not hidden.
func (l *Log) Complaints() io.Writer { return complaints{l} }

type complaints struct{ *Log }

func (l complaints) Write(p []byte) (int, error) {
	l.backlog.write(l.ownLine("error", string(bytes.TrimSuffix(p, []byte("\n")))), true, &l.ownBudget)
	return len(p), nil
}
