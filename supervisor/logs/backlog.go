package logs

import (
	"io"
	"sync"
	"time"
)

const (
	// flushPause is how long the end of an event waits for a reader that takes
	// nothing.
	flushPause = 100 * time.Millisecond

	// maxKept is how much the log keeps for its reader. The rest of a megabyte is
	// reserved for the line that counts dropped bytes.
	maxKept = 1<<20 - pipeBuf

	// maxWhole is how much stays together while others write, too.
	maxWhole = 512 << 10
)

// A backlog stands between the log and its reader. It keeps what the reader does
// not take at once, up to maxKept, and writes it in the background. When it is
// full, a writer waits for the reader as its patience allows. After that, bytes
// are dropped until the reader has made room, and a line in the log counts them.
type backlog struct {
	to  *sink
	gap func(dropped int) []byte // returns the line that counts dropped bytes

	mu       sync.Mutex
	kept     ring
	lineOpen     bool  // the last line has no end yet
	dropped  int   // bytes behind what is kept
	passed   int64 // bytes taken by the reader
	draining bool  // drain runs
	closed   bool  // nothing waits for the reader any more
}

func newBacklog(to io.Writer, gap func(dropped int) []byte) *backlog {
	return &backlog{to: newSink(to), gap: gap}
}

// write takes p, or drops it when there is no more patience. Own lines begin a
// line, whatever is open.
func (b *backlog) write(p []byte, own bool, w *waitBudget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 {
		n := min(len(p), maxWhole)
		b.put(p[:n], own, w)
		p, own = p[n:], false
	}
}

func (b *backlog) put(p []byte, own bool, w *waitBudget) {
	for !b.take(p, own) {
		if !b.wait(w, maxWait) {
			b.dropped += len(p)
			return
		}
	}
}

// take passes p on or keeps it; not where there is no room, or a gap before it.
func (b *backlog) take(p []byte, own bool) bool {
	b.move()
	if own {
		p = b.startLine(p)
	}
	if b.dropped > 0 || b.kept.size+len(p) > maxKept {
		return false
	}
	b.lineOpen = p[len(p)-1] != '\n'
	if b.kept.size == 0 {
		p = p[b.writeNow(p):]
	}
	b.keep(p)
	return true
}

// startLine is p, not on a line that is open.
func (b *backlog) startLine(p []byte) []byte {
	if b.lineOpen {
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
		n := b.writeNow(b.kept.first())
		if n == 0 {
			return
		}
		b.kept.drop(n)
		b.reportGap()
	}
}

// reportGap puts a word where something is missing. There is room for it.
func (b *backlog) reportGap() {
	if b.dropped > 0 && b.kept.size <= maxKept {
		b.kept.append(b.startLine(b.gap(b.dropped)))
		b.dropped, b.lineOpen = 0, false
	}
}

// writeNow writes as much as the reader takes at once.
func (b *backlog) writeNow(p []byte) (n int) {
	n = b.to.take(p)
	b.passed += int64(n)
	return n
}

// wait waits for the reader, not longer than limit, and lets others use b
// meanwhile. It reports whether there was patience to.
func (b *backlog) wait(w *waitBudget, limit time.Duration) bool {
	limit = min(limit, w.limit(b.passed))
	if b.closed || limit <= 0 {
		return false
	}
	began := time.Now()
	b.waitReady(limit)
	w.spend(time.Since(began))
	return true
}

// waitReady waits until the reader may take something; others may use b meanwhile.
func (b *backlog) waitReady(wait time.Duration) {
	fd := b.to.fd
	b.mu.Unlock()
	defer b.mu.Lock()
	ready(fd, wait)
}

// flush waits until nothing is kept, the reader takes nothing for as long as
// pause, or there is no more patience: what is kept is not lost. With others it
// also waits for what they log meanwhile.
func (b *backlog) flush(w *waitBudget, pause time.Duration, others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.move()
	last := b.passed + int64(b.kept.size)
	for b.kept.size > 0 && (others || b.passed < last) {
		if !b.waitForProgress(w, pause) {
			return
		}
	}
}

// waitForProgress waits until the reader takes something, and reports whether it did
// within the pause.
func (b *backlog) waitForProgress(w *waitBudget, pause time.Duration) bool {
	until := time.Now().Add(pause)
	for passed := b.passed; b.passed == passed; b.move() {
		if !b.wait(w, time.Until(until)) {
			return false
		}
	}
	return true
}

// finish flushes all within the limit, and closes what is our own. Nothing waits
// for the reader after that.
func (b *backlog) finish(limit, pause time.Duration) {
	b.mu.Lock()
	b.closed = false
	b.mu.Unlock()
	b.flush(&waitBudget{left: limit, until: time.Now().Add(limit)}, pause, true)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.to.close()
}

// drain passes on what is kept, for as long as there is something.
func (b *backlog) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.move(); b.kept.size > 0; b.move() {
		b.waitReady(time.Hour)
	}
	b.draining = false
}
