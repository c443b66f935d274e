package logs

import "time"

// maxWait and perByte say how long a source waits for the log's reader: a second,
// and another second for each megabyte that the reader takes.
const (
	maxWait = time.Second
	perByte = time.Microsecond
)

// A waitBudget is how long one source may still wait for the log's reader. An answer
// must not be late because nobody reads the log.
type waitBudget struct {
	left   time.Duration
	until  time.Time // when all waits end; zero means no limit
	passed int64     // bytes that the reader had taken when left was last computed
}

// limit returns how long to wait at most. The argument is how many bytes the
// reader has taken in all.
func (p *waitBudget) limit(passed int64) time.Duration {
	if taken := passed - p.passed; taken > 0 {
		p.left = min(p.left+time.Duration(min(taken, 1<<20))*perByte, max(p.left, maxWait))
		p.passed = passed
	}
	if p.until.IsZero() {
		return p.left
	}
	return min(p.left, time.Until(p.until))
}

// spend subtracts a wait. It may have been far longer than its limit, if the whole
// process was frozen meanwhile.
func (p *waitBudget) spend(wait time.Duration) { p.left = max(0, p.left-wait) }
