package integration

import (
	"bytes"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A debugLog reads the log of a runtime at BOOTSTRAP_LOG_LEVEL=debug, and keeps
// the number of goroutines in the last line that has one.
type debugLog struct {
	mu   sync.Mutex
	rest []byte // of a line that is not complete
	id   string // the request's
	n    int
}

var goroutinesLine = regexp.MustCompile(`request_id=(\S+) .*goroutines=(\d+)`)

func (l *debugLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	complete := bytes.LastIndexByte(l.rest, '\n') + 1
	if found := goroutinesLine.FindAllSubmatch(l.rest[:complete], -1); len(found) > 0 {
		last := found[len(found)-1]
		l.id = string(last[1])
		l.n, _ = strconv.Atoi(string(last[2])) // digits
	}
	l.rest = append([]byte(nil), l.rest[complete:]...)
	return len(p), nil
}

func (l *debugLog) last() (id string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id, l.n
}

// goroutines returns the number of goroutines at the time when the event with
// that id had its result. It waits for that line of the log.
func (l *debugLog) goroutines(t testing.TB, id string) int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if last, n := l.last(); last == id {
			return n
		}
		time.Sleep(time.Millisecond) // between looks, bounded above
	}
	t.Fatalf("the log does not tell the goroutines of event %s", id)
	return 0
}
