package emulator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

// concurrentPlatforms are the platforms whose instances may serve several
// events at the same time.
var concurrentPlatforms = []*protocol.Platform{protocol.FunctionGraph, protocol.Lambda}

// expectEvent polls, and expects the event with that id.
func (f *fixture) expectEvent(id string) {
	f.t.Helper()
	if got := f.next(); got.id != id {
		f.t.Errorf("got event %q, want %q", got.id, id)
	}
}

func TestEventsAtTheSameTime(t *testing.T) {
	for _, p := range concurrentPlatforms {
		f := start(t, p, Function{Concurrency: 3, Timeout: time.Minute})
		var polls []<-chan httpAnswer
		for range 3 {
			polls = append(polls, f.poll())
		}
		var all []*invocation
		for id := range 4 {
			all = append(all, f.submit(Event{ID: fmt.Sprint(id)}))
		}
		for id, poll := range polls { // the oldest polls come first
			if got := <-poll; got.id != fmt.Sprint(id) {
				t.Errorf("%s: got %+v, want event %d", p.Name, got, id)
			}
		}
		for _, id := range []string{"2", "0", "1"} {
			f.respond(p.Accepted, id, "result of "+id)
			f.respond(403, id, "again")
		}
		f.respond(400, "3", "not fetched")
		f.expectEvent("3")
		f.fail(p.Accepted, "3", "")
		for id, inv := range all[:3] {
			f.check(inv, Outcome{Kind: Result, ID: inv.id, Body: fmt.Append(nil, "result of ", id)})
		}
		f.check(all[3], Outcome{Kind: Failure, ID: "3"})
		f.count("instances", func(s Stats) int { return s.Instances }, 1)
	}
}

// An instance does not get more events than Concurrency.
func TestNoMoreThanConcurrency(t *testing.T) {
	f := start(t, protocol.Lambda, Function{Concurrency: 2, Timeout: time.Minute})
	for id := range 3 {
		f.submit(Event{ID: fmt.Sprint(id)})
	}
	f.expectEvent("0")
	f.expectEvent("1")
	f.expect(403, "GET", f.p.Next, "")
	f.respond(202, "1", "")
	f.expectEvent("2")

	f = start(t, protocol.FunctionGraph, Function{Concurrency: 2, Timeout: time.Minute})
	f.submit(Event{ID: "0"})
	f.submit(Event{ID: "1"})
	f.expectEvent("0")
	f.expectEvent("1")
	f.expectEvent("0") // the same event again
}

// As many polls may wait as events may run.
func TestNewerPollTakesOverFromTheOldest(t *testing.T) {
	f := start(t, protocol.Lambda, Function{Concurrency: 2})
	first, second, third := f.poll(), f.poll(), f.poll()
	if got := <-first; got.status != 403 {
		t.Errorf("got %+v, want 403 for the oldest", got)
	}
	f.submit(Event{ID: "1"})
	f.submit(Event{ID: "2"})
	if one, two := <-second, <-third; one.id != "1" || two.id != "2" {
		t.Errorf("got %+v and %+v", one, two)
	}
}

// A timeout of one event does not end the others.
func TestOnlyThatEventTimesOut(t *testing.T) {
	for _, p := range concurrentPlatforms {
		f := start(t, p, Function{Concurrency: 2, Timeout: time.Minute})
		first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
		f.expectEvent("1")
		f.expectEvent("2")
		third := f.submit(Event{ID: "3"})
		f.timeUp()
		f.check(first, Outcome{Kind: TimedOut, ID: "1", Reason: "not answered within 1m0s"})
		f.respond(403, "1", "late")
		f.fail(403, "1", "late")
		f.expectEvent("3")
		f.respond(p.Accepted, "2", "")
		f.respond(p.Accepted, "3", "")
		f.check(second, Outcome{Kind: Result, ID: "2"})
		f.check(third, Outcome{Kind: Result, ID: "3"})
	}
}

func TestOnlyThatEventIsNotFetched(t *testing.T) {
	f := start(t, protocol.Lambda, Function{Concurrency: 2, Timeout: time.Minute})
	first := f.submit(Event{ID: "1"})
	f.expectEvent("1")
	second := f.submit(Event{ID: "2"})
	f.respond(202, "1", "")
	f.check(first, Outcome{Kind: Result, ID: "1"})
	f.timeUp()
	f.check(second, Outcome{Kind: TimedOut, ID: "2", Reason: "not fetched within 1m0s"})
	third := f.submit(Event{ID: "3"})
	f.expectEvent("3")
	f.respond(202, "3", "")
	f.check(third, Outcome{Kind: Result, ID: "3"})
}

// The limits of events run in parallel.
func TestDeadlinesAtTheSameTime(t *testing.T) {
	f := start(t, protocol.Lambda, Function{Concurrency: 3, Timeout: time.Minute})
	first := f.submit(Event{ID: "1"})
	f.expectEvent("1")
	f.submit(Event{ID: "2"})
	f.expectEvent("2")
	f.s.update(func(m *machine, _ time.Time) {
		if got := m.deadline(); got != first.due || !m.queue[1].due.After(got) {
			t.Errorf("got deadline %v of %v and %v", got, first.due, m.queue[1].due)
		}
	})
}

func TestExitWithEvents(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{Concurrency: 2, Timeout: time.Minute})
	exited := f.s.Start()
	first, second, third := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"}), f.submit(Event{ID: "3"})
	f.expectEvent("1")
	f.expectEvent("2")
	exited("signal: killed")
	for _, inv := range []*invocation{first, second} {
		f.check(inv, Outcome{Kind: RuntimeExited, ID: inv.id, Reason: "signal: killed"})
	}
	f.s.Start()
	f.reconnect()
	f.respond(400, "1", "of the one before")
	f.expectEvent("3")
	f.respond(202, "3", "")
	f.check(third, Outcome{Kind: Result, ID: "3"})
}

// An instance that does not get ready fails all events that it would have got.
func TestInitFailsEvents(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{Concurrency: 2})
	exited := f.s.Start()
	first, second, third := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"}), f.submit(Event{ID: "3"})
	exited("exit status 3")
	for _, inv := range []*invocation{first, second} {
		f.check(inv, Outcome{Kind: InitFailed, ID: inv.id, Reason: "exit status 3"})
	}
	f.s.Start()
	f.reconnect()
	f.expectEvent("3")
	f.respond(202, "3", "")
	f.check(third, Outcome{Kind: Result, ID: "3"})
}

// In an instance with several events, a result that is too large does not count
// as the end of its event.
func TestTooLargeAtTheSameTime(t *testing.T) {
	f := start(t, protocol.Lambda, Function{Concurrency: 2, Timeout: time.Minute})
	tooLarge := string(make([]byte, f.p.MaxResult+1))
	first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
	f.expectEvent("1")
	f.respond(413, "1", tooLarge)
	f.expectEvent("2")
	f.fail(202, "1", "too large")
	f.check(first, Outcome{Kind: Failure, ID: "1", Body: []byte("too large")})

	third := f.submit(Event{ID: "3"})
	f.expectEvent("3")
	f.respond(413, "2", tooLarge)
	f.submit(Event{ID: "4"})
	f.expectEvent("4")
	if out := f.outcome(second); out.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %s", describe(out))
	}
	f.respond(202, "3", "")
	f.check(third, Outcome{Kind: Result, ID: "3"})
}

func TestConcurrencyNeedsIDs(t *testing.T) {
	_, err := New(protocol.SCF, Function{Concurrency: 2})
	if err == nil || !strings.Contains(err.Error(), "Tencent SCF") {
		t.Errorf("got %v, want the reason", err)
	}
	newFixture(t, protocol.SCF, Function{Concurrency: 1})
}

func TestConcurrencyVariable(t *testing.T) {
	const name = "AWS_LAMBDA_MAX_CONCURRENCY"
	for n, want := range map[int]string{0: "", 1: "", 3: "3"} {
		if got := environment(t, newFixture(t, protocol.Lambda, Function{Concurrency: n}).s)[name]; got != want {
			t.Errorf("concurrency %d: got %q, want %q", n, got, want)
		}
	}
	f := newFixture(t, protocol.Lambda, Function{Concurrency: 3, Env: []string{name + "=2"}})
	if got := environment(t, f.s)[name]; got != "2" {
		t.Errorf("got %q: the function's own does not win", got)
	}
}

// invokeInBackground calls Invoke in a goroutine.
func (g *runnerFixture) invokeInBackground(ctx context.Context, event string) <-chan invokeResult {
	done := make(chan invokeResult, 1)
	go func() {
		out, err := g.Invoke(ctx, Event{Body: []byte(event)})
		done <- invokeResult{out, err}
	}()
	return done
}

// An invokeResult is the result of Invoke.
type invokeResult struct {
	Outcome
	err error
}

func TestRunnerAtTheSameTime(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{Concurrency: 3}, "parallel")
	var all []<-chan invokeResult
	for range 3 {
		all = append(all, g.invokeInBackground(t.Context(), "meet 3"))
	}
	for _, done := range all {
		if got := <-done; got.err != nil || got.Kind != Result {
			t.Errorf("got %s, %v", describe(got.Outcome), got.err)
		}
	}
	if got := g.s.Stats().Instances; got != 1 {
		t.Errorf("got %d instances, want 1", got)
	}
}

// When an instance exits, all its events end, and later ones share a new
// instance.
func TestRunnerExitsWithEvents(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{Concurrency: 3}, "parallel")
	listener := listen(t)
	one := g.invokeInBackground(t.Context(), "hang "+listener.Addr().String())
	two := g.invokeInBackground(t.Context(), "hang "+listener.Addr().String())
	accept(t, listener)
	accept(t, listener)
	three := g.invokeInBackground(t.Context(), "die")
	for _, done := range []<-chan invokeResult{one, two, three} {
		if got := <-done; got.err != nil || got.Kind != RuntimeExited || got.Reason != "exit status 5" {
			t.Errorf("got %s, %v", describe(got.Outcome), got.err)
		}
	}
	one, two = g.invokeInBackground(t.Context(), "meet 2"), g.invokeInBackground(t.Context(), "meet 2")
	for _, done := range []<-chan invokeResult{one, two} {
		if got := <-done; got.err != nil || got.Kind != Result {
			t.Errorf("got %s, %v", describe(got.Outcome), got.err)
		}
	}
	if got := g.s.Stats().Instances; got != 2 {
		t.Errorf("got %d instances, want 2", got)
	}
}

// All events that wait for an instance fail if it cannot start.
func TestRunnerBrokenForAll(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{Concurrency: 3}, "broken")
	for range 3 {
		one, two := g.invokeInBackground(t.Context(), "hello"), g.invokeInBackground(t.Context(), "hello")
		for _, done := range []<-chan invokeResult{one, two} {
			if got := <-done; got.err != nil || got.Kind != InitFailed {
				t.Errorf("got %s, %v", describe(got.Outcome), got.err)
			}
		}
	}
	if g.PID() != 0 {
		t.Error("an instance lives on")
	}
}

// Neither a timeout nor the end of a context kills an instance that may serve
// other events.
func TestRunnerKeepsItsInstance(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{Concurrency: 3}, "parallel")
	g.invoke("hello", Result)
	g.s.update(func(m *machine, _ time.Time) { m.limit = shortLimit })
	g.invoke("hang", TimedOut)
	g.s.update(func(m *machine, _ time.Time) { m.limit = time.Minute })

	ctx, cancel := context.WithCancel(t.Context())
	listener := listen(t)
	hangs := g.invokeInBackground(ctx, "hang "+listener.Addr().String())
	accept(t, listener)
	cancel()
	if got := <-hangs; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %s, %v", describe(got.Outcome), got.err)
	}
	g.invoke("hello", Result)
	if got := g.s.Stats().Instances; got != 1 {
		t.Errorf("got %d instances, want 1", got)
	}
}

// Stop waits for all events, and for another Stop.
func TestRunnerStopWaits(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{Concurrency: 2}, "parallel")
	one := g.invokeInBackground(t.Context(), "meet 2")
	for g.s.Stats().Deliveries == 0 {
		time.Sleep(time.Millisecond)
	}
	stopped := make(chan bool, 2)
	for range 2 {
		go func() { stopped <- g.Stop() != nil }()
	}
	select {
	case <-stopped:
		t.Error("stopped during an event")
	default:
	}
	g.s.update(func(m *machine, now time.Time) { m.expire(m.deadline()) })
	if got := <-one; got.Kind != TimedOut {
		t.Errorf("got %s, %v", describe(got.Outcome), got.err)
	}
	if first, second := <-stopped, <-stopped; first == second {
		t.Errorf("got %v twice, want that one of them found an instance", first)
	}
}

// An answer that names another attempt than the event's is refused.
func TestAnswerOfAnotherAttempt(t *testing.T) {
	const name = "Lambda-Runtime-Invocation-Id"
	f := start(t, protocol.Lambda, Function{Concurrency: 2, Timeout: time.Minute})
	first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
	one, two := f.next().header.Get(name), f.next().header.Get(name)
	if one == "" || one == two {
		t.Errorf("the attempts are %q and %q, expected two names", one, two)
	}
	respond := func(status int, id, try string) {
		f.expect(status, "POST", strings.Replace(f.p.Response, "{id}", id, 1), "result of "+id, name, try)
	}
	respond(400, "1", two)
	respond(202, "2", two)
	respond(202, "1", one)
	f.check(first, Outcome{Kind: Result, ID: "1", Body: []byte("result of 1")})
	f.check(second, Outcome{Kind: Result, ID: "2", Body: []byte("result of 2")})
}
