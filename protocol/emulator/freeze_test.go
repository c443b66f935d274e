package emulator

import (
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
)

// frozen returns a runner that freezes its instance.
func frozen(t *testing.T, p *protocol.Platform, name string) *runnerFixture {
	t.Helper()
	return newRunnerFixture(t, p, Function{Freeze: true}, name)
}

// waitForState waits until all processes of the instance are stopped, or until one
// runs again.
func (g *runnerFixture) waitForState(stopped bool) {
	g.t.Helper()
	isStopped := func(pid int) bool { return procfs.ReadStat(pid).State == 'T' }
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
		all := g.instance.Load().processes()
		if allStopped := !slices.ContainsFunc(all, func(pid int) bool { return !isStopped(pid) }); allStopped == stopped {
			return
		}
	}
	g.t.Fatalf("the instance is not as expected: stopped %v", stopped)
}

const (
	silence  = 50 * time.Millisecond // of a process that is stopped
	patience = 10 * time.Second      // for a process that runs
)

// talks reports whether a process writes to the connection. Bytes that the
// kernel buffered earlier come in few pieces.
func talks(t *testing.T, conn net.Conn, wait time.Duration) bool {
	t.Helper()
	buffer := make([]byte, 1<<20)
	for range 30 {
		_ = conn.SetReadDeadline(time.Now().Add(wait)) // cannot fail
		if _, err := conn.Read(buffer); os.IsTimeout(err) {
			return false
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// No process of the function runs between two events, not even those that have
// left its group and its parent. The poll stays open.
func TestFreeze(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := frozen(t, p, "runtime")
		helper("busy")
		children, orphans := listen(t), listen(t)
		started := g.keepAwake()
		g.invoke("spawn "+helper("busy")+"; "+children.Addr().String(), Result)
		g.invoke("desert busy "+orphans.Addr().String(), Result)
		child, orphan := accept(t, children), accept(t, orphans)
		started()
		for range 2 {
			g.waitForState(true)
			if talks(t, child, silence) || talks(t, orphan, silence) {
				t.Error("a process runs between events")
			}
			polls := g.s.Stats().Polls
			if out := g.invoke("folder", Result); out.Init != 0 {
				t.Error("the next event had a new instance")
			}
			if got := g.s.Stats().Polls - polls; got > 1 {
				t.Errorf("got %d polls for an event, want none but the next", got)
			}
		}
		release := g.keepAwake()
		if !talks(t, child, patience) || !talks(t, orphan, patience) {
			t.Error("a process stays stopped")
		}
		release()
		g.waitForState(true)
	})
}

// While an instance is frozen, no limit runs.
func TestFrozenTimeDoesNotCount(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := frozen(t, p, "runtime")
		g.invoke("hello", Result)
		g.waitForState(true)
		g.s.update(func(m *machine, _ time.Time) {
			if at := m.deadline(); !at.IsZero() {
				t.Errorf("got a limit that is over at %v", at)
			}
		})
	})
}

func TestFrozenStops(t *testing.T) {
	for name, end := range map[string]func(r *Runner){
		"Stop": func(r *Runner) { r.Stop() }, "Interrupt": (*Runner).Interrupt, "Kill": (*Runner).Kill,
		"Wait": func(r *Runner) { r.grace = time.Millisecond; r.Wait() }, "Clear": func(r *Runner) { r.Clear() },
	} {
		t.Run(name, func(t *testing.T) {
			g := frozen(t, protocol.SCF, "runtime")
			started := g.keepAwake()
			left := g.invokeDeserter()
			started()
			g.waitForState(true)
			i := g.instance.Load()
			end(g.Runner)
			<-i.done
			if graceful := name == "Stop" || name == "Interrupt"; (g.stderr.String() == "terminated\n") != graceful {
				t.Errorf("got %q on stderr", g.stderr.String())
			}
			g.Clear()
			g.wantGone(left)
		})
	}
}

// A runtime that does not ask for the next event is frozen as well, but not at
// once.
func TestFreezeWithoutPoll(t *testing.T) {
	g := frozen(t, protocol.SCF, "runtime")
	g.freezer.pollGrace = time.Hour
	listener := listen(t)
	started := g.keepAwake()
	g.invoke("rest "+listener.Addr().String(), Result)
	resting := accept(t, listener)
	started()
	g.waitForState(true)
	resting.Close()
	g.invoke("hello", Result)

	g = frozen(t, protocol.SCF, "runtime")
	g.freezer.unpolled = time.Hour
	g.invoke("rest "+listener.Addr().String(), Result)
	resting = accept(t, listener)
	time.Sleep(20 * time.Millisecond) // nothing must happen
	if procfs.ReadStat(g.PID()).State == 'T' {
		t.Error("it freezes a runtime that has not asked for the next event")
	}
	resting.Close()
	g.waitForState(true) // the poll has come
}

// A process that was stopped before stays stopped.
func TestStoppedStaysStopped(t *testing.T) {
	g := frozen(t, protocol.SCF, "runtime")
	listener := listen(t)
	g.freezer.pollGrace = time.Hour
	release := g.keepAwake()
	g.invoke("spawn "+helper("busy")+"; "+listener.Addr().String(), Result)
	conn := accept(t, listener)
	child := procfs.Children(g.PID())[0]
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for procfs.ReadStat(child).State != 'T' {
		time.Sleep(time.Millisecond)
	}
	g.freezer.pollGrace = time.Millisecond
	release()
	g.waitForState(true)
	defer g.keepAwake()()
	g.waitForState(false)
	if talks(t, conn, silence) {
		t.Error("a process that the function has stopped runs")
	}
}

// An instance with several events is frozen after the last one.
func TestFreezeSeveral(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{Freeze: true, Concurrency: 3}, "parallel")
	g.freezer.pollGrace = 0
	for range 5 {
		var events sync.WaitGroup
		for range 3 {
			events.Go(func() { g.invoke("meet 3", Result) })
		}
		events.Wait()
		g.waitForState(true)
	}
}

// Events that follow each other at once find a running instance.
func TestFreezeBackToBack(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		for _, grace := range []time.Duration{0, time.Millisecond} {
			g := frozen(t, p, "runtime")
			g.freezer.pollGrace, g.freezer.unpolled = grace, grace
			for range 50 {
				g.invoke("hello", Result)
			}
			if got := g.s.Stats().Instances; got != 1 {
				t.Errorf("got %d instances, want 1", got)
			}
		}
	})
}

// An instance that was killed while it was frozen is replaced.
func TestFrozenIsKilled(t *testing.T) {
	g := frozen(t, protocol.SCF, "runtime")
	g.invoke("hello", Result)
	g.waitForState(true)
	i := g.instance.Load()
	if err := syscall.Kill(i.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-i.done
	if out := g.invoke("hello", Result); out.Init == 0 {
		t.Error("the next event had no new instance")
	}
}
