package supervisor

import (
	"io"
	"os"
	"sync"
	"time"
)

const (
	// usualStall is how long the log waits for a reader that takes nothing: an
	// event must have its answer in time, whoever reads the log.
	usualStall = time.Second

	// flushPause is how long the end of an event waits for it, and flushLimit
	// for one that takes little.
	flushPause = 100 * time.Millisecond
	flushLimit = time.Second

	// pipeBuf is what a pipe takes at once where poll finds it ready.
	pipeBuf = 4096

	// mostKept is how much the log holds for its reader. The rest of a megabyte
	// is for a word of what was dropped.
	mostKept = 1<<20 - pipeBuf

	// mostWhole is how much stays together, whoever else writes.
	mostWhole = 512 << 10
)

// A backlog stands between the log and its reader. What the reader does not
// take at once is kept, up to mostKept, and written in the background. Then the
// reader is waited for, unless it takes nothing for a while: as long as it does
// not go on nothing waits for it again, and what has no room is dropped.
type backlog struct {
	to  io.Writer
	fd  int32                    // -1: to never blocks
	gap func(dropped int) []byte // a line that tells what is missing

	mu       sync.Mutex
	kept     ring
	half     bool          // the last line has no end yet
	dropped  int           // bytes behind what is kept
	passed   int64         // bytes taken by the reader
	stall    time.Duration // how long to wait for a reader that takes nothing
	patience time.Duration // what is left of it
	draining bool          // drain runs
}

func newBacklog(to io.Writer, gap func(dropped int) []byte) *backlog {
	b := &backlog{to: to, fd: -1, gap: gap, stall: usualStall, patience: usualStall}
	if file, ok := to.(*os.File); ok {
		b.fd = int32(file.Fd())
	}
	return b
}

// write takes p, or drops it when until, which may be zero, is over or the
// reader stalls. Own lines begin a line, whatever is open.
func (b *backlog) write(p []byte, own bool, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 {
		n := min(len(p), mostWhole)
		b.put(p[:n], own, until)
		p = p[n:]
	}
}

func (b *backlog) put(p []byte, own bool, until time.Time) {
	for !b.take(p, own) {
		if b.dropped > 0 || !b.wait(until) {
			b.dropped += len(p)
			return
		}
	}
}

// take passes p on or keeps it; not where there is no room, or a gap before it.
func (b *backlog) take(p []byte, own bool) bool {
	b.move()
	if own {
		p = b.apart(p)
	}
	if b.dropped > 0 || b.kept.size+len(p) > mostKept {
		return false
	}
	b.half = p[len(p)-1] != '\n'
	if b.kept.size == 0 {
		p = p[b.pass(p):]
	}
	b.keep(p)
	return true
}

// apart is p, not on a line that is open.
func (b *backlog) apart(p []byte) []byte {
	if b.half {
		return append([]byte("\n"), p...)
	}
	return p
}

func (b *backlog) keep(p []byte) {
	if len(p) == 0 {
		return
	}
	b.kept.append(p)
	if !b.draining {
		b.draining = true
		go b.drain()
	}
}

// move passes on what the reader takes of what is kept.
func (b *backlog) move() {
	for b.kept.size > 0 {
		n := b.pass(b.kept.first())
		if n == 0 {
			return
		}
		b.kept.drop(n)
		b.tell()
	}
}

// tell puts a word where something is missing. There is room for it.
func (b *backlog) tell() {
	if b.dropped > 0 && b.kept.size <= mostKept {
		b.kept.append(b.apart(b.gap(b.dropped)))
		b.dropped, b.half = 0, false
	}
}

// pass writes as much as the reader takes at once.
func (b *backlog) pass(p []byte) (n int) {
	if b.fd < 0 {
		_, _ = b.to.Write(p) // a log that cannot be written: nobody to tell
		return len(p)
	}
	for n < len(p) && b.ready(0) {
		end := min(len(p), n+pipeBuf)
		_, _ = b.to.Write(p[n:end])
		n = end
	}
	if n > 0 {
		b.passed += int64(n)
		b.patience = b.stall
	}
	return n
}

// ready waits until the log takes pipeBuf bytes; a signal may end it early.
func (b *backlog) ready(wait time.Duration) bool {
	fds := [1]pollFd{{fd: b.fd, events: pollOut}}
	_ = poll(fds[:], wait) // then it is not ready
	return fds[0].revents != 0
}

// wait waits for the reader, and lets others use b meanwhile. It reports
// whether there was time to.
func (b *backlog) wait(until time.Time) bool {
	began, passed, wait := time.Now(), b.passed, b.patience
	if !until.IsZero() {
		wait = min(wait, until.Sub(began))
	}
	if wait <= 0 {
		return false
	}
	b.mu.Unlock()
	b.ready(wait)
	b.mu.Lock()
	if b.passed == passed {
		b.patience -= time.Since(began)
	}
	return true
}

// flush waits until nothing is kept, until is over, or the reader takes nothing
// for as long as pause: what is kept is not lost. With others it also waits for
// what they log meanwhile.
func (b *backlog) flush(until time.Time, pause time.Duration, others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.move()
	last := b.passed + int64(b.kept.size)
	for b.kept.size > 0 && (others || b.passed < last) {
		soon := time.Now().Add(pause)
		if !until.IsZero() && until.Before(soon) {
			soon = until
		}
		if !b.goesOn(soon) {
			return
		}
	}
}

// goesOn waits until the reader takes something; not beyond until.
func (b *backlog) goesOn(until time.Time) bool {
	for passed := b.passed; b.passed == passed; b.move() {
		if !b.wait(until) {
			return false
		}
	}
	return true
}

// setStall sets how long to wait for a reader that takes nothing, from now on.
func (b *backlog) setStall(pause time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stall, b.patience = pause, pause
}

// drain passes on what is kept, for as long as there is something.
func (b *backlog) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.move(); b.kept.size > 0; b.move() {
		b.mu.Unlock()
		b.ready(time.Hour)
		b.mu.Lock()
	}
	b.draining = false
}
