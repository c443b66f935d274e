package emulator

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
)

// Interrupt stops a runtime that has an event, and no other starts.
func TestInterrupt(t *testing.T) {
	for name, end := range map[string]func(r *Runner){"Interrupt": (*Runner).Interrupt, "Kill": (*Runner).Kill} {
		t.Run(name, func(t *testing.T) {
			g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
			g.invoke("hello", Result)
			outcome := make(chan Outcome, 1)
			go func() { // ends with the runtime
				out, err := g.Invoke(t.Context(), Event{Body: []byte("hang")})
				if err != nil {
					t.Error(err)
				}
				outcome <- out
			}()
			for g.s.Stats().Deliveries < 2 {
				g.s.Stats()
			}
			end(g.Runner)
			want := map[string]string{"Interrupt": "exit status 0", "Kill": "signal: killed"}[name]
			if out := <-outcome; out.Kind != RuntimeExited || out.Reason != want {
				t.Errorf("got %s, want the reason %q", describe(out), want)
			}
			if _, err := g.Invoke(t.Context(), Event{}); !errors.Is(err, ErrInterrupted) {
				t.Errorf("got %v, want that it was interrupted", err)
			}
			if got := g.s.Stats().Instances; got != 1 {
				t.Errorf("got %d instances, want 1", got)
			}
		})
	}
}

// Interrupt during a stop sends no second SIGTERM, at which bootstrap would kill what it
// is stopping.
func TestInterruptDuringStop(t *testing.T) {
	listener := listen(t)
	g := newRunnerFixture(t, protocol.SCF, Function{Env: []string{"TEST_ADDRESS=" + listener.Addr().String()}}, "patient")
	g.invoke("hello", Result)
	stopped := make(chan *os.ProcessState)
	go func() { stopped <- g.Stop() }() // ends with the runtime
	accept(t, listener)
	g.instance.Load().terminate() // what Interrupt does before it waits
	if err := syscall.Kill(g.PID(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	if state := <-stopped; state == nil || state.String() != "exit status 0" {
		t.Errorf("got %v, want that it got one SIGTERM", state)
	}
}

// Kill ends a stop that takes long.
func TestKillDuringStop(t *testing.T) {
	listener := listen(t)
	g := newRunnerFixture(t, protocol.SCF, Function{Env: []string{"TEST_ADDRESS=" + listener.Addr().String()}}, "patient")
	g.grace = time.Hour
	g.invoke("hello", Result)
	stopped := make(chan *os.ProcessState)
	go func() { stopped <- g.Stop() }() // ends with the runtime
	accept(t, listener)
	g.Kill()
	if state := <-stopped; state == nil || state.String() != "signal: killed" {
		t.Errorf("got %v, want it killed", state)
	}
}

// Sweep kills the processes of another Server's instances, and what they start.
func TestSweep(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
	g.invoke("hello", Result)
	pid := g.PID()
	Sweep(g.s.Mark())
	<-g.instance.Load().done
	if g.PID() != 0 {
		t.Errorf("%d lives on", pid)
	}
}
