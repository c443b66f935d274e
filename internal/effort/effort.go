// Package effort lets tests do less in a short run, for which people wait, than
// in a long one.
//
// make test is a short run: it tries each case in few ways, and repeats little.
// make test-long tries every way and every combination, and repeats as often as
// it takes to meet what happens rarely.
package effort

import "testing"

// LongOnly skips a test in a short run.
func LongOnly(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
}

// Repeats returns how often to repeat something: n times, or in a short run a
// fifth as often, but at least once.
func Repeats(n int) int {
	if testing.Short() {
		return max(n/5, 1)
	}
	return n
}

// HasTurn reports whether a test tries case number i of many: each one, or in a
// short run each nth.
func HasTurn(i, n int) bool { return !testing.Short() || i%n == 0 }
