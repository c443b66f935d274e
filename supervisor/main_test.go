package supervisor

import (
	"fmt"
	"os"
	"testing"

	"bootstrap/internal/leaktest"
	"bootstrap/internal/procfs"
	"bootstrap/supervisor/process"
)

// The helpers that several packages share.
const (
	bound  = leaktest.Bound
	escape = leaktest.Escape
)

var (
	within      = leaktest.Within
	mustNotWait = leaktest.MustNotWait
)

func TestMain(m *testing.M) {
	if err := process.Explore().Adoption; err != nil {
		fmt.Println("cannot become a subreaper:", err)
		os.Exit(1)
	}
	os.Exit(leaktest.Main(m, procfs.OurChildren))
}

// checkLeaks fails the test if at its end a process, a descriptor or a
// goroutine is left. A test calls it first, so that its check runs last.
func checkLeaks(t *testing.T) {
	t.Helper()
	leaktest.Check(t)
	t.Cleanup(func() {
		t.Helper()
		defer process.KillLeftovers(process.Anybody, bound) // one failure is enough
		within(t, "no process is left", func() bool {
			return len(process.Leftovers(process.Anybody)) == 0 && len(procfs.OurChildren()) == 0
		})
	})
}

// shell returns a command that runs a script with sh.
func shell(script string) *process.Command {
	return &process.Command{Path: "/bin/sh", Args: []string{"sh", "-c", script, "sh"}, Env: os.Environ()}
}
