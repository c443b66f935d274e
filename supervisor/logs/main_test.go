package logs

import (
	"testing"

	"bootstrap/internal/leaktest"
)

// bound is how long tests wait before they fail.
const bound = leaktest.Bound

func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	leaktest.Within(t, what, so)
}
