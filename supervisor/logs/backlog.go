package logs

import (
	"io"
	"sync"
	"time"
)

const (
	// flushPause is how long the end of an event waits for a reader that reads
	// nothing.
	flushPause = 100 * time.Millisecond

	// maxKept bounds what the log keeps for its reader. The rest of a megabyte is
	// reserved for the line that counts dropped bytes.
	maxKept = 1<<20 - pipeBuf

	// maxWhole is how many bytes of one write stay together while others write.
	maxWhole = 512 << 10
)

// A backlog stands between the log and its reader. It keeps the bytes that the
// reader does not take at once, up to maxKept, and writes them in the background.
// When it is full, a writer waits for the reader as long as its budget allows.
// After that, bytes are dropped until the reader has made room, and a line in the
// log counts them.
type backlog struct {
	to  *sink
	gap func(dropped int) []byte // returns the line that counts dropped bytes

	mu       sync.Mutex
	kept     ring
	lineOpen bool  // the last line lacks its newline
	dropped  int   // bytes lost after those in kept
	passed   int64 // bytes that the reader has taken
	draining bool  // drain is running
	closed   bool  // writers no longer wait for the reader
}

func newBacklog(to io.Writer, gap func(dropped int) []byte) *backlog {
	return &backlog{to: newSink(to), gap: gap}
}

// write takes p, or drops it when the budget is spent. With newLine, p begins on
// a line of its own even if the last line is open.
func (b *backlog) write(p []byte, newLine bool, w *waitBudget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 {
		n := min(len(p), maxWhole)
		b.put(p[:n], newLine, w)
		p, newLine = p[n:], false
	}
}

func (b *backlog) put(p []byte, newLine bool, w *waitBudget) {
	for !b.take(p, newLine) {
		if !b.wait(w, maxWait) {
			b.dropped += len(p)
			return
		}
	}
}

// take writes or keeps p. It returns false if there is no room for p, or if bytes
// before it were dropped and are not reported yet.
func (b *backlog) take(p []byte, newLine bool) bool {
	b.move()
	if newLine {
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

// startLine returns p, with a newline before it if the last line is open.
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

// move writes as many kept bytes as the reader takes at once.
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

// reportGap adds the line that counts dropped bytes, which always has room.
func (b *backlog) reportGap() {
	if b.dropped > 0 && b.kept.size <= maxKept {
		b.kept.append(b.startLine(b.gap(b.dropped)))
		b.dropped, b.lineOpen = 0, false
	}
}

// writeNow writes as much of p as the reader takes at once.
func (b *backlog) writeNow(p []byte) (n int) {
	n = b.to.take(p)
	b.passed += int64(n)
	return n
}

// wait waits for the reader, up to limit, and lets others use b meanwhile. It
// returns false, without a wait, if the budget is spent.
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

// waitReady waits until the reader can take bytes, and lets others use b
// meanwhile.
func (b *backlog) waitReady(wait time.Duration) {
	fd := b.to.fd
	b.mu.Unlock()
	defer b.mu.Lock()
	ready(fd, wait)
}

// flush waits until all kept bytes are written, the reader has taken nothing for
// as long as pause, or the budget is spent. Bytes that are still kept are not
// lost. With others it also waits for the bytes that others log meanwhile.
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

// waitForProgress waits until the reader takes bytes, and reports whether it did
// so within the pause.
func (b *backlog) waitForProgress(w *waitBudget, pause time.Duration) bool {
	until := time.Now().Add(pause)
	for passed := b.passed; b.passed == passed; b.move() {
		if !b.wait(w, time.Until(until)) {
			return false
		}
	}
	return true
}

// finish flushes everything within the limit, and closes the sink. After that, no
// writer waits for the reader.
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

// drain writes the kept bytes until none are left.
func (b *backlog) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.move(); b.kept.size > 0; b.move() {
		b.waitReady(time.Hour)
	}
	b.draining = false
}
