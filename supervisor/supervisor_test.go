package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"
)

// E11: a failed start is reported, and stops the runtime before the first poll.
func TestStartFails(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		want post
	}{
		"a failure": {&protocol.Failure{Type: "Runtime.HandlerNotFound", Message: "no such thing"}, post{"error", "", "Runtime.HandlerNotFound", "no such thing"}},
		"an error":  {errOurs, post{"error", "", "Runtime.InitError", errOurs.Error()}},
		"wrapped":   {fmt.Errorf("so: %w", &protocol.Failure{Type: "Runtime.X", Message: "m"}), post{"error", "", "Runtime.X", "m"}},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, accept)
			a := &adapter{start: func(context.Context) error { return row.err }}
			p.events <- event{id: "1"}
			r := run(t, p, a, nil)
			if err := r.wait(t); !errors.Is(err, row.err) {
				t.Errorf("Run: got %v, want %v", err, row.err)
			}
			p.wantPosts(t, row.want)
			p.wantNoPost(t)
			if len(p.polls) > 0 || a.closed > 0 {
				t.Errorf("got %d polls and %d calls of Close, want none", len(p.polls), a.closed)
			}
		})
	}
}

// Run returns the error of a failed start even if the report does not arrive.
func TestStartFailsUnreported(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, func(post) int { return 403 })
	r := run(t, p, &adapter{start: func(context.Context) error { return errOurs }}, nil)
	if err := r.wait(t); !errors.Is(err, errOurs) || strings.Contains(err.Error(), "403") {
		t.Errorf("Run: got %v, want only %v", err, errOurs)
	}
}

// A stop during the start is not a failed start. Only adapters that have
// started are closed.
func TestStoppedWhileStarting(t *testing.T) {
	for name, row := range map[string]struct {
		err    error
		closed int
	}{"it starts": {nil, 1}, "it does not": {errOurs, 0}} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, accept)
			entered := make(chan bool)
			a := &adapter{start: func(ctx context.Context) error {
				entered <- true
				<-ctx.Done()
				return row.err
			}}
			p.events <- event{id: "1"}
			r := run(t, p, a, nil)
			<-entered
			r.stopAndWait(t)
			p.wantNoPost(t)
			if len(p.polls) > 0 || a.closed != row.closed {
				t.Errorf("got %d polls and %d calls of Close, want 0 and %d", len(p.polls), a.closed, row.closed)
			}
		})
	}
}

// runSCF starts a supervisor with adapter a on p, an SCF.
func runSCF(t *testing.T, p *platform, a Adapter) *runningSupervisor {
	t.Helper()
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		t.Fatal(err)
	}
	return runOn(t, protocol.SCF, map[string]string{"SCF_RUNTIME_API": host, "SCF_RUNTIME_API_PORT": port}, a, nil)
}

// A12: ready is reported after the start, not before.
func TestReady(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	entered, proceed := make(chan bool), make(chan bool)
	a := &adapter{start: func(context.Context) error {
		entered <- true
		<-proceed
		return nil
	}}
	r := runSCF(t, p, a)
	<-entered
	p.wantNoPost(t)
	proceed <- true
	p.wantPosts(t, post{"ready", "", "", " "})
	r.stopAndWait(t)
	p.wantNoPost(t)
	if a.closed != 1 {
		t.Errorf("Close: got %d calls, want 1", a.closed)
	}
}

// When the platform refuses the call that reports ready, Run fails, and closes the
// adapters that were started.
func TestReadyRefused(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, func(post) int { return 403 })
	a := &adapter{}
	r := runSCF(t, p, a)
	err := r.wait(t)
	if refusal, ok := errors.AsType[*protocol.StatusError](err); !ok || refusal.Status != 403 {
		t.Errorf("Run: got %v, want the refusal", err)
	}
	p.wantPosts(t, post{"ready", "", "", " "})
	p.wantNoPost(t)
	if a.closed != 1 {
		t.Errorf("Close: got %d calls, want 1", a.closed)
	}
}

// A stop before the ready is accepted is not an error.
func TestStoppedBeforeReady(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, func(post) int { return 500 })
	a := &adapter{}
	r := runSCF(t, p, a)
	p.wantPosts(t, post{"ready", "", "", " "})
	r.stopAndWait(t)
	if a.closed != 1 {
		t.Errorf("Close: got %d calls, want 1", a.closed)
	}
}

// Run returns the error of an adapter that cannot be closed.
func TestCloseFails(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	r := run(t, p, &adapter{close: errOurs}, nil)
	<-p.polls
	r.stop()
	if err := r.wait(t); !errors.Is(err, errOurs) {
		t.Errorf("Run: got %v, want %v", err, errOurs)
	}
}

// Leftovers of the adapter are killed before Run returns, even if it could not
// start.
func TestNothingOutlivesRun(t *testing.T) {
	for name, fail := range map[string]error{"started": nil, "not started": errOurs} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, accept)
			r := run(t, p, &adapter{start: func(ctx context.Context) error {
				_, err := process.Run(ctx, shell(escape+"escape 'sleep 60 >&2 &'"), 0)
				return errors.Join(err, fail)
			}}, nil)
			if fail == nil {
				<-p.polls
				r.stop()
			}
			if err := r.wait(t); !errors.Is(err, fail) {
				t.Errorf("Run: got %v, want %v", err, fail)
			}
			if pids := procfs.OurChildren(); len(pids) > 0 {
				t.Errorf("got %v left, want none", pids)
			}
		})
	}
}

func TestFailureOfAFatalError(t *testing.T) {
	f := failure(fmt.Errorf("x: %w", &FatalError{&protocol.Failure{Type: "T", Message: "m"}}), "F")
	if f.Type != "T" {
		t.Errorf("got %+v, want the failure of a FatalError", f)
	}
}

func TestMaskFailure(t *testing.T) {
	m := &logs.Mask{}
	m.Learn("hush-hush")
	f := &protocol.Failure{Type: "Function.hush-hush", Message: "no hush-hush", Stack: []string{"at hush-hush", "x"}}
	got := masked(m, f)
	if got.Type != "Function.***" || got.Message != "no ***" || !slices.Equal(got.Stack, []string{"at ***", "x"}) {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(f.Message, "hush") {
		t.Error("the failure itself was changed")
	}
}
