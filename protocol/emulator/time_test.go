package emulator

import (
	"strconv"
	"testing"
	"time"

	"bootstrap/protocol"
)

const shortLimit = 20 * time.Millisecond

func TestInitTimedOut(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := newFixture(t, p, Function{InitLimit: shortLimit})
		f.s.Start()
		inv := f.submit(Event{ID: "1"})
		out := f.outcome(inv)
		if out.Kind != InitTimedOut || out.Init < shortLimit || out.Duration != 0 {
			t.Errorf("got %s after %v", describe(out), out.Init)
		}
		f.expect(403, "GET", p.Next, "")
		if p.Ready != "" {
			f.expect(403, "POST", p.Ready, " ")
		}
	})
}

// An instance that is not ready in time ends, even if nobody waits for it.
func TestInitTimedOutUnseen(t *testing.T) {
	f := newFixture(t, protocol.SCF, Function{InitLimit: time.Nanosecond})
	f.s.Start()
	for f.call("POST", f.p.Ready, " ").status != 403 {
	}
}

func TestNotFetched(t *testing.T) {
	f := start(t, protocol.SCF, Function{Timeout: shortLimit})
	inv := f.submit(Event{ID: "1"})
	f.check(inv, Outcome{Kind: TimedOut, ID: "1", Reason: "not fetched within 20ms"})
	f.expect(403, "GET", f.p.Next, "")
}

func TestNotAnswered(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{Timeout: shortLimit})
		polled := make(chan httpAnswer)
		go func() { polled <- f.call("GET", p.Next, "") }() // held, or answered with the event at once
		out := f.outcome(f.submit(Event{ID: "1"}))
		<-polled
		if out.Kind != TimedOut || out.Duration != shortLimit {
			t.Errorf("got %s after %v", describe(out), out.Duration)
		}
	})
}

// timeUp makes the next limit expire now.
func (f *fixture) timeUp() {
	f.s.update(func(m *machine, _ time.Time) { m.expire(m.deadline()) })
}

func TestDeadlines(t *testing.T) {
	f := newFixture(t, protocol.SCF, Function{InitLimit: time.Hour, Timeout: time.Minute})
	due := func(want time.Duration) {
		t.Helper()
		f.s.update(func(m *machine, now time.Time) {
			got := m.deadline().Sub(now)
			if m.deadline().IsZero() {
				got = 0
			}
			if got > want || got < want-10*time.Second {
				t.Errorf("got %v to the deadline, want %v", got, want)
			}
		})
	}
	due(0)
	f.s.Start()
	due(time.Hour)
	f.ready()
	due(0)
	f.submit(Event{ID: "1"})
	due(time.Minute)
	f.next()
	due(time.Minute)
	f.respond(200, "", "")
	due(0)
	inv := f.submit(Event{ID: "2"})
	f.next()
	f.timeUp()
	f.check(inv, Outcome{Kind: TimedOut, ID: "2", Reason: "not answered within 1m0s"})
	due(0)
}

// A result that is too large is not an answer.
func TestNotAnsweredAfterRefusal(t *testing.T) {
	f := start(t, lambda, Function{Timeout: time.Minute})
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.respond(413, "1", string(make([]byte, f.p.MaxResult+1)))
	f.timeUp()
	f.check(inv, Outcome{Kind: TimedOut, ID: "1"})
}

func TestOldInstanceIsRefused(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{Timeout: time.Minute})
		first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
		f.next()
		f.timeUp()
		f.check(first, Outcome{Kind: TimedOut, ID: "1"})
		old := f.client
		refused := func() {
			t.Helper()
			f.respond(403, "1", "late")
			f.fail(403, "1", "late")
			f.expect(403, "GET", p.Next, "")
		}
		refused()
		f.s.Start() // starting another one does not change that
		refused()

		f.reconnect()
		f.ready()
		if got := f.next(); got.id != "2" {
			t.Errorf("got event %q, want the second", got.id)
		}
		fresh := f.client
		f.client = old
		refused()
		f.client = fresh
		f.respond(p.Accepted, "2", "")
		f.check(second, Outcome{Kind: Result, ID: "2"})
		f.count("instances", func(s Stats) int { return s.Instances }, 2)
		f.count("connections", func(s Stats) int { return s.Connections }, 2)
	})
}

// Only the first outcome of an instance includes the duration of its start.
func TestDurations(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		began := time.Now()
		f := start(t, p, Function{})
		first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
		f.next()
		f.respond(p.Accepted, "1", "")
		f.next()
		f.respond(p.Accepted, "2", "")
		one, two := f.outcome(first), f.outcome(second)
		if all := time.Since(began); one.Init <= 0 || one.Duration <= 0 || one.Init+one.Duration > all {
			t.Errorf("got init %v, duration %v, of %v", one.Init, one.Duration, all)
		}
		if two.Init != 0 || two.Duration <= 0 {
			t.Errorf("got init %v, duration %v for the second", two.Init, two.Duration)
		}
	})
}

func TestDeadlineHeader(t *testing.T) {
	f := start(t, lambda, Function{Timeout: 10 * time.Second})
	inv := f.submit(Event{ID: "1"})
	before := time.Now()
	got := f.next()
	ms, err := strconv.ParseInt(got.header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	at := time.UnixMilli(ms)
	if err != nil || at.Before(before.Add(9999*time.Millisecond)) || at.After(time.Now().Add(10*time.Second)) {
		t.Errorf("got deadline %v, error %v", at, err)
	}
	f.respond(202, "1", "")
	f.check(inv, Outcome{Kind: Result, ID: "1"})
}
