package emulator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

// register registers an extension and returns its id.
func (f *fixture) register(name string) (id string) {
	f.t.Helper()
	got := f.expect(200, "POST", f.p.Register, `{"events":[]}`, f.p.ExtensionName, name)
	if id = got.header.Get(f.p.ExtensionID); id == "" {
		f.t.Error("got no id")
	}
	return id
}

// wait makes the extension poll over a connection of its own. It returns when
// the call is held or answered.
func (f *fixture) wait(id string) {
	f.t.Helper()
	before := f.s.waiting()
	go func() { // ends when the server is closed
		req, err := http.NewRequest("GET", f.url(f.p.ExtensionNext), nil)
		if err != nil {
			f.t.Error(err)
			return
		}
		req.Header.Set(f.p.ExtensionID, id)
		if resp, err := f.client.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	for f.s.waiting() == before {
		f.call("GET", "/", "")
	}
}

// waiting counts the extensions that are ready.
func (s *Server) waiting() (n int) {
	s.update(func(m *machine, _ time.Time) {
		for _, ext := range m.extensions {
			if ext.ready {
				n++
			}
		}
	})
	return n
}

// poll polls for an event in a goroutine, and returns when the machine has the
// poll.
func (f *fixture) poll() <-chan httpAnswer {
	before := f.s.Stats().Polls
	got := make(chan httpAnswer, 1)
	go func() { got <- f.call("GET", f.p.Next, "") }()
	for f.s.Stats().Polls == before {
		f.call("GET", "/", "")
	}
	return got
}

// An instance is ready when its runtime and all its extensions are.
func TestReadyWithExtensions(t *testing.T) {
	for _, runtimeFirst := range []bool{true, false} {
		f := newFixture(t, lambda, Function{Handler: "index.main"})
		f.s.Start()
		one, two := f.register("one"), f.register("two")
		inv := f.submit(Event{ID: "1"})
		var got <-chan httpAnswer
		if runtimeFirst {
			got = f.poll()
		}
		f.wait(one)
		if !runtimeFirst {
			got = f.poll()
		}
		select {
		case a := <-got:
			t.Errorf("got %+v before the second extension was ready", a)
		default:
		}
		f.count("deliveries", func(s Stats) int { return s.Deliveries }, 0)
		f.wait(two)
		if a := <-got; a.id != "1" {
			t.Errorf("got %+v, want the event", a)
		}
		f.respond(202, "1", "result")
		f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
		f.count("extensions", func(s Stats) int { return s.Extensions }, 2)
	}
}

func TestNotReadyWithoutItsExtension(t *testing.T) {
	f := newFixture(t, lambda, Function{InitLimit: time.Minute})
	f.s.Start()
	f.register("one")
	inv := f.submit(Event{ID: "1"})
	got := f.poll()
	f.timeUp()
	f.check(inv, Outcome{Kind: InitTimedOut, ID: "1"})
	if a := <-got; a.status != 403 {
		t.Errorf("got %+v, want 403", a)
	}
}

func TestRegisterRefused(t *testing.T) {
	f := newFixture(t, lambda, Function{})
	f.s.Start()
	register := func(want, name, body string) {
		t.Helper()
		got := f.expect(403, "POST", f.p.Register, body, f.p.ExtensionName, name)
		if !strings.Contains(got.body, want) {
			t.Errorf("got %s, want %s", got.body, want)
		}
	}
	register("InvalidExtensionName", "", `{"events":[]}`)
	register("InvalidRequestFormat", "one", `events`)
	register("InvalidEventType", "one", `{"events":["SHUTDOWN"]}`)
	id := f.register("one")
	register("InvalidExtensionState", "one", `{"events":[]}`)
	f.wait(id)
	f.submit(Event{ID: "1"})
	f.next()
	register("RegistrationClosed", "two", `{"events":[]}`)
	f.respond(202, "1", "")
	register("RegistrationClosed", "two", `{"events":[]}`)
	f.count("extensions", func(s Stats) int { return s.Extensions }, 1)
}

// The first poll ends the registration, even while an extension keeps the
// instance from being ready.
func TestRegisterAfterPoll(t *testing.T) {
	f := newFixture(t, lambda, Function{})
	f.s.Start()
	id := f.register("one")
	inv := f.submit(Event{ID: "1"})
	got := f.poll()
	f.expect(403, "POST", f.p.Register, `{"events":[]}`, f.p.ExtensionName, "two")
	f.wait(id)
	<-got
	f.respond(202, "1", "")
	f.check(inv, Outcome{Kind: Result, ID: "1"})
}

func TestUnknownExtension(t *testing.T) {
	f := newFixture(t, lambda, Function{})
	f.s.Start()
	f.expect(403, "GET", f.p.ExtensionNext, "")
	id := f.register("one")
	f.expect(403, "GET", f.p.ExtensionNext, "", f.p.ExtensionID, "other")
	f.s.Start()
	f.expect(403, "GET", f.p.ExtensionNext, "", f.p.ExtensionID, id)
	f.expect(403, "POST", f.p.Register, `{"events":[]}`, f.p.ExtensionName, "two")
	f.reconnect()
	f.expect(403, "GET", f.p.ExtensionNext, "", f.p.ExtensionID, id) // of the instance before
	f.submit(Event{ID: "1"})
	f.next()
}

func TestExtensionsAreLambdas(t *testing.T) {
	for _, p := range []*protocol.Platform{protocol.SCF, protocol.FunctionGraph} {
		f := newFixture(t, p, Function{})
		f.s.Start()
		f.expect(404, "POST", protocol.Lambda.Register, `{"events":[]}`)
		f.expect(404, "GET", protocol.Lambda.ExtensionNext, "")
	}
}
