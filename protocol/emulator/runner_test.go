package emulator

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
)

// A runnerFixture is a server with a runner whose runtime is a helper.
type runnerFixture struct {
	*Runner
	t              *testing.T
	s              *Server
	stdout, stderr bytes.Buffer // to be read once the instance has exited
}

func newRunnerFixture(t *testing.T, p *protocol.Platform, fn Function, name string) *runnerFixture {
	t.Helper()
	fn.Env = append(fn.Env, helper(name), quickExit)
	fn.Timeout = cmp.Or(fn.Timeout, time.Minute)
	s, err := New(p, fn)
	if err != nil {
		t.Fatal(err)
	}
	g := &runnerFixture{t: t, s: s}
	g.Runner = NewRunner(s, []string{os.Args[0]}, &g.stdout, &g.stderr)
	t.Cleanup(func() {
		g.Stop()
		s.Close()
	})
	return g
}

// invoke sends an event and checks the kind of its outcome.
func (g *runnerFixture) invoke(event string, want Kind) Outcome {
	g.t.Helper()
	out, err := g.Invoke(g.t.Context(), Event{Body: []byte(event)})
	if err != nil {
		g.t.Fatal(err)
	}
	if out.Kind != want {
		g.t.Errorf("event %q: got %s, want %v; on stderr: %s", event, describe(out), want, &g.stderr)
	}
	return out
}

func TestRunner(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := newRunnerFixture(t, p, Function{}, "runtime")
		first, second := g.invoke("hello", Result), g.invoke("world", Result)
		if string(first.Body) != "hello" || string(second.Body) != "world" {
			t.Errorf("got %s and %s", describe(first), describe(second))
		}
		if first.Init <= 0 || first.Duration <= 0 || second.Init != 0 || second.Duration <= 0 {
			t.Errorf("got init %v and %v, duration %v and %v", first.Init, second.Init, first.Duration, second.Duration)
		}
		if got := g.s.Stats().Instances; got != 1 {
			t.Errorf("got %d instances, want 1", got)
		}
	})
}

// A runtime gets the documented environment, and nothing else.
func TestRunnerSurroundings(t *testing.T) {
	t.Setenv("OURS", "must not be seen")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := newRunnerFixture(t, p, Function{Dir: dir, Handler: "index.main"}, "runtime")
		got := strings.Split(string(g.invoke("environment", Result).Body), "\n")
		if want := g.s.Environment(); !slices.Equal(got, want) {
			t.Errorf("environment: got %q, want %q", got, want)
		}
		if got, want := string(g.invoke("folder", Result).Body), dir+"<nil>"; got != want {
			t.Errorf("folder: got %s, want %s", got, want)
		}
		if got, want := string(g.invoke("stdin", Result).Body), `"" <nil>`; got != want {
			t.Errorf("stdin: got %s, want %s", got, want)
		}
	})
}

func TestRunnerOutput(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
	g.invoke("speak", Result)
	state := g.Stop()
	if state == nil || state.ExitCode() != 0 {
		t.Errorf("got %v, want exit status 0", state)
	}
	if out, err := g.stdout.String(), g.stderr.String(); out != "on stdout" || err != "on stderrterminated\n" {
		t.Errorf("got %q and %q", out, err)
	}
}

func TestRunnerStop(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{}, "runtime")
	if state := g.Stop(); state != nil || g.PID() != 0 {
		t.Errorf("got %v, pid %d before the first event", state, g.PID())
	}
	g.invoke("hello", Result)
	if g.PID() == 0 {
		t.Error("got no pid")
	}
	g.Stop()
	if g.PID() != 0 {
		t.Errorf("got pid %d after the end", g.PID())
	}
	g.invoke("hello", Result)
	if got := g.s.Stats().Instances; got != 2 {
		t.Errorf("got %d instances, want 2", got)
	}
}

func TestRunnerKillsTheStubborn(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "stubborn")
	g.grace = time.Millisecond
	g.invoke("hello", Result)
	if state := g.Stop(); state == nil || state.String() != "signal: killed" {
		t.Errorf("got %v", state)
	}
}

// Without an extension Lambda sends no SIGTERM.
func TestRunnerKills(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{}, "runtime")
	g.invoke("hello", Result)
	if state := g.Stop(); state == nil || state.String() != "signal: killed" {
		t.Errorf("got %v", state)
	}
}

func TestRunnerStopsTheExtended(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{}, "extended")
	for n := 1; n <= 2; n++ { // the second instance must register, too
		g.invoke("hello", Result)
		if state := g.Stop(); state == nil || state.ExitCode() != 0 {
			t.Errorf("got %v, want exit status 0", state)
		}
		if got := g.s.Stats().Extensions; got != n {
			t.Errorf("got %d extensions, want %d", got, n)
		}
	}
	if got := g.stderr.String(); got != "terminated\nterminated\n" {
		t.Errorf("got %q on stderr", got)
	}
}

// Wait waits for the exit after a SIGTERM from elsewhere, within the same
// limit.
func TestRunnerWait(t *testing.T) {
	for name, want := range map[string]string{"runtime": "exit status 0", "stubborn": "signal: killed"} {
		g := newRunnerFixture(t, protocol.SCF, Function{}, name)
		g.grace = 100 * time.Millisecond
		if state := g.Wait(); state != nil {
			t.Errorf("%s: got %v before the first event", name, state)
		}
		g.invoke("hello", Result)
		if err := syscall.Kill(g.PID(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if state := g.Wait(); state == nil || state.String() != want {
			t.Errorf("%s: got %v, want %s", name, state, want)
		}
	}
}

// Wait sends no SIGTERM.
func TestRunnerWaitTimesOut(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
	g.grace = time.Millisecond
	g.invoke("hello", Result)
	if state := g.Wait(); state == nil || state.String() != "signal: killed" {
		t.Errorf("got %v, want it killed, not asked", state)
	}
}

// The platform's limit applies.
func TestRunnerKillsAfterTheLimit(t *testing.T) {
	quick := *protocol.Lambda
	quick.StopLimit = time.Millisecond
	g := newRunnerFixture(t, &quick, Function{}, "deaf")
	g.grace = time.Hour
	g.invoke("hello", Result)
	if state := g.Stop(); state == nil || state.String() != "signal: killed" {
		t.Errorf("got %v", state)
	}
}

func TestRunnerParallel(t *testing.T) {
	g := newRunnerFixture(t, protocol.FunctionGraph, Function{}, "runtime")
	var invokes sync.WaitGroup
	for range 50 {
		invokes.Go(func() {
			out, err := g.Invoke(t.Context(), Event{Body: []byte("hello")})
			if err != nil || out.Kind != Result {
				t.Errorf("got %s, %v", describe(out), err)
			}
		})
	}
	invokes.Wait()
	if got := g.s.Stats().Instances; got != 1 {
		t.Errorf("got %d instances, want 1", got)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func accept(t *testing.T, listener net.Listener) net.Conn {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// After a timeout nothing of the instance is left, not even processes that have
// left its group.
func TestRunnerTimedOut(t *testing.T) {
	listener := listen(t)
	g := newRunnerFixture(t, protocol.SCF, Function{Timeout: 10 * time.Second}, "runtime")
	g.invoke("spawn "+helper("caller")+"; "+listener.Addr().String(), Result)
	child := accept(t, listener)
	g.s.update(func(m *machine, _ time.Time) { m.limit = shortLimit })
	g.invoke("hang", TimedOut)
	if g.PID() != 0 {
		t.Error("the instance lives on")
	}
	if _, err := child.Read(make([]byte, 1)); err == nil {
		t.Error("its child lives on")
	}
	g.s.update(func(m *machine, _ time.Time) { m.limit = time.Minute })
	g.invoke("hello", Result)
}

func TestRunnerEndedContext(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
	g.invoke("hello", Result)
	ctx, cancel := context.WithCancel(t.Context())
	listener := listen(t)
	ended := make(chan error)
	go func() {
		_, err := g.Invoke(ctx, Event{Body: []byte("hang " + listener.Addr().String())})
		ended <- err
	}()
	accept(t, listener) // it hangs
	other := make(chan error)
	go func() { // waits for its turn
		_, err := g.Invoke(ctx, Event{})
		other <- err
	}()
	cancel()
	for _, err := range []error{<-ended, <-other} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if g.PID() != 0 {
		t.Error("the instance lives on")
	}
	g.invoke("hello", Result)
}
