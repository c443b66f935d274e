package integration

import (
	"os/exec"
	"sync"
	"testing"
	"time"
)

// triedWays returns all ways, or in a short run fewWays.
func triedWays() []way {
	if testing.Short() {
		return fewWays
	}
	return ways
}

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
