package integration

import (
	"os/exec"
	"sync"
	"testing"
	"time"
)

// People wait for make test, which is a short run: it tries each case in
// fewWays, and repeats little. make test-long tries every way and every
// combination, and repeats as often as it takes to meet what happens rarely.

// longOnly skips a test in a short run.
func longOnly(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
}

// triedWays returns all ways, or in a short run fewWays.
func triedWays() []way {
	if testing.Short() {
		return fewWays
	}
	return ways
}

// repeats returns how often to repeat something: n times, or in a short run a
// fifth as often.
func repeats(n int) int {
	if testing.Short() {
		return max(n/5, 1)
	}
	return n
}

// hasTurn reports whether a test tries case number i of many: each one, or in a
// short run each nth.
func hasTurn(i, n int) bool { return !testing.Short() || i%n == 0 }

// scriptTime returns how long this machine takes for a script that starts one
// program. Limits on events that start many depend on it.
var scriptTime = sync.OnceValue(func() time.Duration {
	shortest := time.Minute
	for range 5 {
		began := time.Now()
		_ = exec.Command("/bin/sh", "-c", "sleep 0; printf whole").Run() // the tests fail without a shell
		shortest = min(shortest, time.Since(began))
	}
	return shortest
})
