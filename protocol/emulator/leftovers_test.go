package emulator

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/procfs"
	"bootstrap/protocol"
)

// invokeDeserter makes an event leave a process behind, without a parent and in
// a session of its own. The connection ends with the process.
func (g *runnerFixture) invokeDeserter() net.Conn {
	g.t.Helper()
	helper("caller")
	listener := listen(g.t)
	g.invoke("desert caller "+listener.Addr().String(), Result)
	return accept(g.t, listener)
}

func (g *runnerFixture) wantGone(conn net.Conn) {
	g.t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // cannot fail
	if _, err := conn.Read(make([]byte, 1)); os.IsTimeout(err) {
		g.t.Error("what an event has left behind lives on")
	}
}

func isAlive(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // cannot fail
	_, err := conn.Read(make([]byte, 1))
	return os.IsTimeout(err)
}

// An instance that is killed leaves nothing behind.
func TestKillLeavesNothing(t *testing.T) {
	for name, end := range map[string]func(g *runnerFixture){
		"a time-out": func(g *runnerFixture) {
			g.s.update(func(m *machine, _ time.Time) { m.limit = shortLimit })
			g.invoke("hang", TimedOut)
		},
		"a stop that it ignores": func(g *runnerFixture) { g.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newRunnerFixture(t, protocol.SCF, Function{Timeout: 10 * time.Second}, "stubborn")
			g.grace = time.Millisecond
			left := g.invokeDeserter()
			end(g)
			g.wantGone(left)
		})
	}
}

// Leftovers of an instance that exits without a kill live until Clear.
func TestClear(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		for i, last := range []string{"die", "bye", "hello"} {
			if !effort.HasTurn(i+slices.IndexFunc(protocol.Platforms, func(o *protocol.Platform) bool { return o.Name == p.Name }), 3) {
				continue
			}
			g := newRunnerFixture(t, p, Function{}, "runtime")
			left := g.invokeDeserter()
			if out, err := g.Invoke(t.Context(), Event{Body: []byte(last)}); err != nil {
				t.Fatalf("got %s, %v", describe(out), err)
			}
			if !isAlive(left) {
				t.Errorf("%s: it does not live until Clear", last)
			}
			g.Stop()
			killed := g.Clear()
			g.wantGone(left)
			if len(killed) > 1 || len(killed) == 0 && p.Register == "" {
				t.Errorf("%s: got %q killed, want one", last, killed)
			}
			if again := g.Clear(); len(again) > 0 {
				t.Errorf("%s: got %q killed the second time", last, again)
			}
		}
	})
}

// With Discard, nothing of an instance is left when its runtime exits, whether it
// had an event or not, and the next event has a new instance.
func TestDiscard(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := newRunnerFixture(t, p, Function{Discard: true}, "runtime")
		left := g.invokeDeserter()
		if out, err := g.Invoke(t.Context(), Event{Body: []byte("die")}); err != nil {
			t.Fatalf("got %s, %v", describe(out), err)
		}
		g.wantGone(left)
		left = g.invokeDeserter()
		_ = syscall.Kill(g.PID(), syscall.SIGKILL) // it waits for an event
		g.wantGone(left)
		g.invoke("hello", Result)
	})
}

// An Interrupt leaves processes for Clear, which names them.
func TestDiscardInterrupted(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{Discard: true}, "runtime")
	left := g.invokeDeserter()
	g.Interrupt()
	if !isAlive(left) {
		t.Error("it does not live until Clear")
	}
	if killed := g.Clear(); len(killed) != 1 {
		t.Errorf("got %q killed, want one", killed)
	}
	g.wantGone(left)
}

// sweep kills only processes with exactly that variable.
func TestMarked(t *testing.T) {
	start := func(env string) int {
		cmd := exec.Command("sleep", "300")
		cmd.Env = []string{"OTHER=1", env}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have exited
			_ = cmd.Wait()         // it was killed
		})
		return cmd.Process.Pid
	}
	mine := fmt.Sprintf("EMULATOR_TEST_MARK=%d", os.Getpid())
	pid, other := start(mine), start(mine+"0")
	if found, _ := marked(mine); !slices.Equal(found, []int{pid}) {
		t.Errorf("got %v, want %d", found, pid)
	}
	if killed := sweep(mine); !slices.Equal(killed, []string{fmt.Sprintf("sleep (%d)", pid)}) {
		t.Errorf("killed %q, want %d", killed, pid)
	}
	if !procfs.ReadStat(other).Living() {
		t.Error("it has killed another's process")
	}
}
