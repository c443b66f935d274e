package emulator

import (
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

// onLambda is Lambda with one event at a time, as AWS's own emulator has it.
// integration/rie compares the two.
func onLambda(t *testing.T, fn Function) *fixture {
	t.Helper()
	return start(t, protocol.Lambda, fn)
}

// on asks for the next event, which ends the last one.
func (f *fixture) on() {
	f.t.Helper()
	before := f.s.Stats().Polls
	go func() { // ends when the server is closed
		if resp, err := f.client.Get(f.url(f.p.Next)); err == nil {
			resp.Body.Close()
		}
	}()
	for f.s.Stats().Polls == before {
		f.call("GET", "/", "")
	}
}

// An event ends when the runtime asks for the next one.
func TestAwaitsPoll(t *testing.T) {
	f := onLambda(t, Function{Timeout: time.Minute})
	first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
	f.next()
	f.respond(202, "1", "result")
	f.respond(403, "1", "again")
	f.fail(403, "1", "again")
	select {
	case out := <-first.outcome:
		t.Errorf("got %s before the next poll", describe(out))
	default:
	}
	if got := f.next(); got.id != "2" {
		t.Errorf("got the event %q, want the second", got.id)
	}
	f.check(first, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
	f.fail(202, "2", "error")
	f.on()
	f.check(second, Outcome{Kind: Failure, ID: "2", Body: []byte("error")})
}

// If a runtime answers and does not ask for the next event, the event times
// out.
func TestAnswersAndHangs(t *testing.T) {
	f := onLambda(t, Function{Timeout: shortLimit})
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.respond(202, "1", "result")
	out := f.outcome(inv)
	if out.Kind != TimedOut || !strings.Contains(out.Reason, "did not ask for the next one") {
		t.Errorf("got %s", describe(out))
	}
}

// An event that was answered counts as answered even if the runtime then exits.
func TestAnswersAndExits(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{Timeout: time.Minute})
	exited := f.s.Start()
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.respond(202, "1", "result")
	exited("exit status 0")
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

// A second poll before the answer gets the same event, with the same deadline.
func TestSecondPoll(t *testing.T) {
	f := onLambda(t, Function{Timeout: time.Minute})
	inv := f.submit(Event{ID: "1"})
	first, second := f.next(), f.next()
	const deadline = "Lambda-Runtime-Deadline-Ms"
	if second.id != "1" || first.header.Get(deadline) != second.header.Get(deadline) {
		t.Errorf("got %v, then %v", first.header, second.header)
	}
	f.respond(202, "1", "result")
	f.on()
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

// A result that is too large is the failure of its event, whatever follows.
func TestTooLargeEnds(t *testing.T) {
	f := onLambda(t, Function{Timeout: time.Minute})
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.respond(413, "1", strings.Repeat("r", f.p.MaxResult+1))
	f.fail(403, "1", "error")
	f.on()
	if out := f.outcome(inv); out.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %s", describe(out))
	}
}

// A response with a mode that does not exist is the failure of its event.
func TestResponseMode(t *testing.T) {
	f := onLambda(t, Function{Timeout: time.Minute})
	first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
	f.next()
	f.expect(400, "POST", strings.Replace(f.p.Response, "{id}", "1", 1), "x", f.p.ResponseMode, "odd")
	f.next()
	if out := f.outcome(first); out.ErrorType != "Runtime.InvalidResponseModeHeader" {
		t.Errorf("got %s", describe(out))
	}
	f.expect(202, "POST", strings.Replace(f.p.Response, "{id}", "2", 1), "x", f.p.ResponseMode, "streaming")
	f.on()
	f.check(second, Outcome{Kind: Result, ID: "2", Body: []byte("x")})
}

// An extension for INVOKE gets each event, and the event ends only when the
// extension asks for the next one.
func TestExtensionForInvoke(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{Timeout: time.Minute})
	f.s.Start()
	id := f.expect(200, "POST", f.p.Register, `{"events":["INVOKE"]}`, f.p.ExtensionName, "x").header.Get(f.p.ExtensionID)
	inv := f.submit(Event{ID: "1", Body: []byte("payload")})
	got := make(chan httpAnswer)
	go func() { got <- f.call("GET", f.p.ExtensionNext, "", f.p.ExtensionID, id) }()
	f.next()
	if a := <-got; a.status != 200 || !strings.Contains(a.body, `"eventType":"INVOKE"`) || !strings.Contains(a.body, `"requestId":"1"`) || strings.Contains(a.body, "payload") {
		t.Errorf("got %+v", a)
	}
	f.respond(202, "1", "result")
	f.on()
	select {
	case out := <-inv.outcome:
		t.Errorf("got %s while the extension works", describe(out))
	default:
	}
	f.wait(id)
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

// An extension that fails is reported, and delays nobody.
func TestExtensionFails(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{Timeout: time.Minute})
	f.s.Start()
	id := f.register("x")
	for _, path := range f.p.ExtensionFail {
		f.expect(403, "POST", path, "")
		f.expect(403, "POST", path, "", f.p.ExtensionID, "odd")
		f.expect(403, "POST", path, "", f.p.ExtensionID, id) // why is missing
	}
	f.expect(202, "POST", f.p.ExtensionFail[1], "", f.p.ExtensionID, id, "Lambda-Extension-Function-Error-Type", "Extension.Mine")
	f.expect(403, "GET", f.p.ExtensionNext, "", f.p.ExtensionID, id)
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.respond(202, "1", "result")
	f.on()
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

// An instance that waits for its extension is ready when the extension has failed.
func TestExtensionFailsAfterPoll(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{InitLimit: time.Hour, Timeout: time.Minute})
	f.s.Start()
	id := f.register("x")
	f.submit(Event{ID: "1"})
	got := f.poll()
	f.expect(202, "POST", f.p.ExtensionFail[0], "", f.p.ExtensionID, id, "Lambda-Extension-Function-Error-Type", "Extension.Mine")
	if n := f.s.Stats().Deliveries; n != 1 {
		t.Fatalf("got %d deliveries, want 1", n)
	}
	if a := <-got; a.id != "1" {
		t.Errorf("got %+v, want the event", a)
	}
}

// These calls are answered like AWS's emulator does, although no document
// describes them.
func TestSmallCalls(t *testing.T) {
	f := onLambda(t, Function{})
	if got := f.expect(200, "GET", f.p.Ping, ""); got.body != "pong" {
		t.Errorf("got %q", got.body)
	}
	for path, kind := range f.p.Unsupported {
		if got := f.expect(202, "PUT", path, "{}"); !strings.Contains(got.body, kind) {
			t.Errorf("%s: got %q", path, got.body)
		}
	}
}
