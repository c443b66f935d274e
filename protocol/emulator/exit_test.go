package emulator

import (
	"testing"

	"bootstrap/protocol"
)

func TestExitBeforeReady(t *testing.T) {
	f := newFixture(t, protocol.SCF, Function{})
	exited := f.s.Start()
	inv := f.submit(Event{ID: "1"})
	exited("exit status 3")
	exited("exit status 4") // no longer has an effect
	f.check(inv, Outcome{Kind: InitFailed, ID: "1", Reason: "exit status 3"})
	f.expect(403, "POST", f.p.Ready, " ")
}

func TestExitWithEvent(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := newFixture(t, p, Function{})
		exited := f.s.Start()
		f.ready()
		inv := f.submit(Event{ID: "1"})
		f.next()
		exited("signal: killed")
		f.check(inv, Outcome{Kind: RuntimeExited, ID: "1", Reason: "signal: killed"})
	})
}

// If an instance exits after its ready, its event fails and does not wait for
// the next instance, which might do the same for ever.
func TestExitBeforeItsFirstEvent(t *testing.T) {
	f := newFixture(t, protocol.SCF, Function{})
	exited := f.s.Start()
	f.ready()
	inv := f.submit(Event{ID: "1"})
	exited("exit status 0")
	f.check(inv, Outcome{Kind: RuntimeExited, ID: "1", Reason: "exit status 0"})
}

func TestExitWhileIdle(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := newFixture(t, p, Function{})
		exited := f.s.Start()
		f.ready()
		first := f.submit(Event{ID: "1"})
		f.next()
		f.respond(p.Accepted, "1", "")
		f.check(first, Outcome{Kind: Result, ID: "1"})

		second := f.submit(Event{ID: "2"})
		exited("exit status 0")
		f.s.Start()
		exited("exit status 0") // of the instance before
		f.reconnect()
		f.ready()
		f.next()
		f.respond(p.Accepted, "2", "")
		f.check(second, Outcome{Kind: Result, ID: "2"})
	})
}

// A call that is held at the exit ends, and does not count as refused.
func TestExitWhileHeld(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := newFixture(t, p, Function{})
		exited := f.s.Start()
		f.ready()
		held := f.poll()
		before := f.s.Stats().Refused
		exited("exit status 0")
		if got := <-held; got.status != 403 {
			t.Errorf("got %d %q, want 403", got.status, got.body)
		}
		f.expect(403, "GET", p.Next, "")
		f.count("refused", func(s Stats) int { return s.Refused }, before+1)
	})
}

// A new instance replaces the old one.
func TestStartTwice(t *testing.T) {
	f := newFixture(t, lambda, Function{})
	f.s.Start()
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.s.Start()
	f.check(inv, Outcome{Kind: RuntimeExited, ID: "1", Reason: "another instance was started"})
}
