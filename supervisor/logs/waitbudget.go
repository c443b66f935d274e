package logs

import "time"

// maxWait and perByte say how long a source waits for the log's reader: a second,
// and another one for each megabyte that the reader takes.
const (
	maxWait = time.Second
	perByte = time.Microsecond
)

// A patience is how long one source may still wait for the log's reader. The
// answer of an event must not come late because nobody reads the log.
type waitBudget struct {
	left   time.Duration
	until  time.Time // no wait goes beyond it; zero: no limit
	passed int64     // bytes that the reader had taken at the last look
}

// limit returns how long to wait at most, when the reader has taken that many bytes
// in all.
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

// spend takes a wait from what is left. The wait may have been far longer than
// meant, where the whole process was frozen.
func (p *waitBudget) spend(wait time.Duration) { p.left = max(0, p.left-wait) }
