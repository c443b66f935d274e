package logs

import (
	"testing"

	"bootstrap/internal/leaktest"
)

// bound is far longer than anything takes that a test waits for.
const bound = leaktest.Bound

func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	leaktest.Within(t, what, so)
}
