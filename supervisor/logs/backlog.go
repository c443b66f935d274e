package logs

import (
	"io"
	"sync"
	"time"
)

const (
	// usualPatience is how long the log waits in all for a reader that takes less
	// than a byte in perByte: an event must have its answer in time, whoever reads
	// the log.
	usualPatience = time.Second
	perByte       = time.Microsecond

	// flushPause is how long the end of an event waits for it, and flushLimit
	// for one that takes little.
	flushPause = 100 * time.Millisecond
	flushLimit = time.Second

	// mostKept is how much the log holds for its reader. The rest of a megabyte
	// is for a word of what was dropped.
	mostKept = 1<<20 - pipeBuf

	// mostWhole is how much stays together, whoever else writes.
	mostWhole = 512 << 10
)

// A backlog stands between the log and its reader. What the reader does not
// take at once is kept, up to mostKept, and written in the background. Then the
// reader is waited for, for as long as there is patience: a wait takes from it,
// and what the reader takes gives some back. What has no room then is dropped,
// and nothing waits until the reader goes on.
type backlog struct {
	to  *sink
	gap func(dropped int) []byte // a line that tells what is missing

	mu       sync.Mutex
	kept     ring
	half     bool          // the last line has no end yet
	dropped  int           // bytes behind what is kept
	passed   int64         // bytes taken by the reader
	patience time.Duration // how long the reader may be waited for
	most     time.Duration // patience that there can be
	draining bool          // drain runs
}

func newBacklog(to io.Writer, gap func(dropped int) []byte) *backlog {
	return &backlog{to: newSink(to), gap: gap, patience: usualPatience, most: usualPatience}
}

// write takes p, or drops it when until, which may be zero, is over or the
// reader stalls. Own lines begin a line, whatever is open.
func (b *backlog) write(p []byte, own bool, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 {
		n := min(len(p), mostWhole)
		b.put(p[:n], own, until)
		p, own = p[n:], false
	}
}

func (b *backlog) put(p []byte, own bool, until time.Time) {
	for !b.take(p, own) {
		if b.dropped > 0 || !b.wait(b.soon(until, b.patience)) {
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
	n = b.to.take(p)
	b.passed += int64(n)
	b.patience = min(b.patience+time.Duration(n)*perByte, b.most)
	return n
}

// setPatience sets the most that there may be from now on.
func (b *backlog) setPatience(most time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most = max(0, most)
	b.patience = min(b.patience, b.most)
}

// soon is when such a wait is over; not after until, which may be zero.
func (b *backlog) soon(until time.Time, wait time.Duration) time.Time {
	over := time.Now().Add(wait)
	if !until.IsZero() && until.Before(over) {
		return until
	}
	return over
}

// wait waits for the reader, and lets others use b meanwhile. It reports
// whether there was time to.
func (b *backlog) wait(until time.Time) bool {
	began := time.Now()
	if !began.Before(until) {
		return false
	}
	b.ready(until.Sub(began))
	b.patience = max(0, b.patience-time.Since(began)) // which is long where we were frozen
	return true
}

// ready waits until the reader may take something; others may use b meanwhile.
func (b *backlog) ready(wait time.Duration) {
	fd := b.to.fd
	b.mu.Unlock()
	defer b.mu.Lock()
	ready(fd, wait)
}

// flush waits until nothing is kept, until is over, the reader takes nothing for
// as long as pause, or there is no more patience: what is kept is not lost. With
// others it also waits for what they log meanwhile.
func (b *backlog) flush(until time.Time, pause time.Duration, others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.move()
	last := b.passed + int64(b.kept.size)
	for b.kept.size > 0 && (others || b.passed < last) {
		if !b.goesOn(b.soon(until, min(pause, b.patience))) {
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

// finish flushes all, with new patience for the last time, and closes what is
// our own.
func (b *backlog) finish(limit, pause time.Duration) {
	b.mu.Lock()
	b.most, b.patience = limit, limit
	b.mu.Unlock()
	b.flush(time.Now().Add(limit), pause, true)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most, b.patience = 0, 0
	b.to.close()
}

// drain passes on what is kept, for as long as there is something.
func (b *backlog) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.move(); b.kept.size > 0; b.move() {
		b.ready(time.Hour)
	}
	b.draining = false
}
