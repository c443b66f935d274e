package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"bootstrap/internal/leaktest"
	"bootstrap/internal/procfs"
	"bootstrap/supervisor/process"
)

// bound is far longer than anything here takes, and far shorter than the
// children live that are to be killed.
const bound = leaktest.Bound

func TestMain(m *testing.M) {
	if err := process.Explore().Adoption; err != nil {
		fmt.Println("cannot become a subreaper:", err)
		os.Exit(1)
	}
	code := m.Run()
	if left := procfs.OurChildren(); len(left) > 0 {
		fmt.Println("children left by the tests:", left)
		code = 1
	}
	os.Exit(code)
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

// within waits until the condition is true.
func within(t *testing.T, what string, condition func() bool) {
	t.Helper()
	leaktest.Within(t, what, condition)
}

// mustNotWait fails the test if f takes as long as something that it must not
// wait for.
func mustNotWait(t *testing.T, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > bound {
		t.Errorf("it took %v, want far less than %v", took, bound)
	}
}

// shell returns a command that runs a script with sh.
func shell(script string) *process.Command {
	return &process.Command{Path: "/bin/sh", Args: []string{"sh", "-c", script, "sh"}, Env: os.Environ()}
}

// escape defines a shell function that runs its argument in a session of its
// own. It returns when nobody holds the stdout of that any more.
const escape = `escape() { : $(setsid sh -c "$1"); }; `

// A finished is a command that has run to its end.
type finished struct {
	process.Exit
	stdout, stderr bytes.Buffer
}

// runToEnd runs c to its end and keeps its outputs. c must start.
func runToEnd(t *testing.T, ctx context.Context, c *process.Command, grace time.Duration) *finished {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	e := &finished{}
	c.Outputs = []io.Writer{&e.stdout, &e.stderr}
	var err error
	if e.Exit, err = process.Run(ctx, c, grace); err != nil {
		t.Fatal(err)
	}
	return e
}

// check fails the test if the command did not exit with that status on its own.
func (e *finished) check(t *testing.T, status int) {
	t.Helper()
	if e.Cause != nil || !e.Status.Exited() || e.Status.ExitStatus() != status {
		t.Errorf("got status %#x, cause %v, stderr %q; want exit status %d by itself", e.Status, e.Cause, e.stderr.String(), status)
	}
}
