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
	Prefix bool // each line of the command begins with the request id of its event and a space, and stays whole
	JSON   bool // each line is one JSON object, as record.go says; without a prefix

	Mask func(string) string // hides secrets in our own lines; nil: nothing is hidden
}

// A Log takes what commands and sidecars log, and our own lines, each on a line
// of its own. Writing to it never fails, and does not wait for long: what
// nobody takes is dropped, and counted in the log once it goes on. All methods
// may be called at any time.
type Log struct {
	style   Style
	hold    time.Duration // how long a record may wait for its next line
	pause   time.Duration // and Flush for a reader that takes nothing
	backlog *backlog
	ownBudget     waitBudget // of our own lines

	mu      sync.Mutex
	sources []*Source
}

// NewLog makes a Log that writes to a file, or to what else never blocks.
func NewLog(to io.Writer, style Style) *Log {
	l := &Log{style: style, hold: 100 * time.Millisecond, pause: flushPause, ownBudget: waitBudget{left: maxWait}}
	l.backlog = newBacklog(to, l.gap)
	return l
}

// Source makes what logs for one command, or for the sidecar of that name. It
// lives as long as the log: there is one for each slot that serves events, and
// one for each sidecar.
func (l *Log) Source(name string) *Source {
	s := &Source{log: l, name: name, budget: waitBudget{left: maxWait}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sources = append(l.sources, s)
	return s
}

// Close is for the end of the program. It ends what is logged of all events,
// and writes out all that the log holds: its reader has time up to limit, unless
// it takes nothing for as long as pause. What is logged after that waits for
// nobody.
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

// gap is the line that tells what is missing.
func (l *Log) gap(dropped int) []byte {
	return l.ownLine("warn", fmt.Sprintf("dropped %d bytes of the log, which nobody took", dropped))
}

// ownLine is what we say without package hclog.
func (l *Log) ownLine(level, text string) []byte {
	if l.style.JSON {
		return appendRecord(nil, append(head(time.Now(), level, "", ownStream), field{"message", text}))
	}
	return []byte("bootstrap: " + text + "\n")
}

// A Source is one that logs: a command, or a sidecar.
type Source struct {
	log  *Log
	name string // of the sidecar; "": the command

	mu       sync.Mutex
	id       string // of the event; "": there is none
	budget waitBudget
	streams  []*stream
	out      []byte // whole lines, to be written together
}

// Stream makes a writer for what comes on "stdout" or "stderr"; each has half
// lines of its own. It lives as long as the source: Close only says that a
// process has ended, and writes out what is held.
func (s *Source) Stream(name string) io.WriteCloser {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := &stream{source: s, name: name}
	s.streams = append(s.streams, stream)
	return stream
}

// Begin is for a new event: what is logged from now on belongs to it. The source
// waits for the log's reader for half of the time to until at most, which may be
// zero.
func (s *Source) Begin(id string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	s.id, s.budget.until = id, until
	if !until.IsZero() {
		s.budget.until = until.Add(-time.Until(until) / 2)
	}
}

// Flush is for the end of the event, before its answer is posted, or of the
// sidecar. It writes out the half lines and records of all streams, and returns
// when all that the log holds by then is written, or its reader takes nothing
// for a moment, or little for a second: what it holds then gets out later. What
// is logged from now on belongs to no event.
func (s *Source) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	s.log.backlog.flush(&s.budget, s.log.pause, false)
	s.id, s.budget.until = "", time.Time{}
}

// passes: the bytes pass as they are.
func (s *Source) isRaw() bool {
	style := &s.log.style
	return s.name == "" && !style.Prefix && !style.JSON
}

// release writes half lines and records out.
func (s *Source) release() {
	for _, stream := range s.streams {
		stream.release()
	}
	s.emit()
}

// emit writes what has been put together; it stays together.
func (s *Source) emit() {
	s.log.backlog.write(s.out, true, &s.budget)
	s.out = s.out[:0]
	if cap(s.out) > 2*pipeSize {
		s.out = nil
	}
}

// Complaints is for why nothing can run: each Write is a text of one line or
// more, which stays as it is, and in the style JSON is one record. Secrets are
// not hidden.
func (l *Log) Complaints() io.Writer { return complaints{l} }

type complaints struct{ *Log }

func (l complaints) Write(p []byte) (int, error) {
	l.backlog.write(l.ownLine("error", string(bytes.TrimSuffix(p, []byte("\n")))), true, &l.ownBudget)
	return len(p), nil
}
