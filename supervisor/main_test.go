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

// bound is far more than anything here takes, and far less than what the
// children would take that are to be ended.
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

// tidy fails the test if, at its end, a process, a descriptor or a goroutine is
// left. It is the first thing that a test calls, for its end to be the last.
func tidy(t *testing.T) {
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

// within waits until something is so.
func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	leaktest.Within(t, what, so)
}

// quick fails the test if f takes as long as what it should not wait for.
func quick(t *testing.T, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > bound {
		t.Errorf("it took %v, want far less than %v", took, bound)
	}
}

// shell is a command line for sh.
func shell(script string) *process.Command {
	return &process.Command{Path: "/bin/sh", Args: []string{"sh", "-c", script, "sh"}, Env: os.Environ()}
}

// escape begins scripts that call it: its argument runs in a session of its
// own, and it returns when nobody writes to the stdout of that any more.
const escape = `escape() { : $(setsid sh -c "$1"); }; `

// An ended is a command that has run to its end.
type ended struct {
	process.Exit
	stdout, stderr bytes.Buffer
}

// runToEnd runs c, which must start, to its end, and keeps its outputs.
func runToEnd(t *testing.T, ctx context.Context, c *process.Command, grace time.Duration) *ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	e := &ended{}
	c.Outputs = []io.Writer{&e.stdout, &e.stderr}
	var err error
	if e.Exit, err = process.Run(ctx, c, grace); err != nil {
		t.Fatal(err)
	}
	return e
}

// check fails the test if the command did not end by itself with that status.
func (e *ended) check(t *testing.T, status int) {
	t.Helper()
	if e.Cause != nil || !e.Status.Exited() || e.Status.ExitStatus() != status {
		t.Errorf("got status %#x, cause %v, stderr %q; want exit status %d by itself", e.Status, e.Cause, e.stderr.String(), status)
	}
}
