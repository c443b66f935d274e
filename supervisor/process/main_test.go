package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/leaktest"
	"bootstrap/internal/procfs"
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

// helpers are what the test binary does as a child of a test, where a shell
// cannot do it.
var helpers = map[string]func(){
	"leave its group": leaveGroup,
}

const helperVariable = "TEST_HELPER"

func TestMain(m *testing.M) {
	if helper := helpers[os.Getenv(helperVariable)]; helper != nil {
		helper()
		return
	}
	if err := enterSandbox(); err != nil {
		fmt.Println("cannot become a subreaper:", err)
		os.Exit(1)
	}
	idleReapInterval = 10 * time.Millisecond
	warmUp()
	os.Exit(leaktest.Main(m, procfs.OurChildren))
}

// warmUp makes the Go runtime open and start what it keeps, so that tests can
// count descriptors and goroutines.
func warmUp() {
	exits := make(chan os.Signal, 1)
	signal.Notify(exits, syscall.SIGCHLD)
	signal.Stop(exits)
	r, w, err := os.Pipe()
	if err == nil {
		err = errors.Join(r.Close(), w.Close())
	}
	if err != nil {
		panic(err)
	}
}

// checkLeaks fails the test if at its end a child, an orphan, a descriptor or a
// goroutine is left. A test calls it first, so that its check runs last.
func checkLeaks(t *testing.T) {
	t.Helper()
	leaktest.Check(t)
	t.Cleanup(func() {
		t.Helper()
		defer processes.killLeftovers(Anybody, bound) // one failure is enough
		within(t, "no child is left", func() bool {
			processes.reapOrphans()
			return len(procfs.OurChildren()) == 0 && len(descendants()) == 0
		})
		if len(processes.starts) > 0 {
			t.Errorf("got %v still registered, want none", processes.starts)
		}
	})
}

// descendants lists our children and all orphans.
func descendants() []int {
	pids := procfs.OurChildren()
	for _, pid := range processes.leftovers(Anybody) {
		if !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// shell returns a command that runs a script with sh.
func shell(script string) *Command {
	return &Command{Path: "/bin/sh", Args: []string{"sh", "-c", script, "sh"}, Env: os.Environ()}
}

// A finished is a command that has run to its end.
type finished struct {
	Exit
	stdout, stderr bytes.Buffer
}

// runToEnd runs c to its end and keeps its outputs. c must start.
func runToEnd(t *testing.T, ctx context.Context, c *Command, grace time.Duration) *finished {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	e := &finished{}
	c.Outputs = []io.Writer{&e.stdout, &e.stderr}
	var err error
	if e.Exit, err = Run(ctx, c, grace); err != nil {
		t.Fatal(err)
	}
	return e
}

// check fails the test if the command did not exit with that status on its own.
func (e *finished) check(t *testing.T, status int) {
	t.Helper()
	if e.Cause != nil || !e.Status.Exited() || e.Status.ExitStatus() != status {
		t.Errorf("got status %#x, cause %v, stderr %q; want exit status %d without a stop", e.Status, e.Cause, e.stderr.String(), status)
	}
}

// start starts c. The end of the test stops it at the latest.
func start(t *testing.T, c *Command) *Process {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if processes.isProcess(p.pid) {
			p.Stop(0)
		}
	})
	return p
}

// pumpUntil pumps until the condition is true.
func pumpUntil(t *testing.T, p *Process, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	if err := p.Pump(ctx, condition); err != nil {
		t.Fatalf("Pump: %v", err)
	}
}

// A writer makes an Output of a function.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// withReaper runs the reaper until the test ends.
func withReaper(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Reap(ctx) }() // ends with ctx
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Reap: %v", err)
		}
	})
}
