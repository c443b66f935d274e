package emulator

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

func TestNextNeedsReady(t *testing.T) {
	f := newFixture(t, protocol.SCF, Function{})
	f.s.Start()
	inv := f.submit(Event{ID: "1"})
	f.expect(403, "GET", f.p.Next, "")
	f.respond(403, "", "too early")
	f.ready()
	f.ready() // repeats are allowed
	f.next()
	f.ready()
	f.respond(200, "", "result")
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
	f.count("readies", func(s Stats) int { return s.Readies }, 3)
	f.count("refused", func(s Stats) int { return s.Refused }, 2)
}

// On the other platforms the first poll makes the instance ready.
func TestFirstPollIsReady(t *testing.T) {
	for _, p := range []*protocol.Platform{protocol.FunctionGraph, lambda} {
		f := newFixture(t, p, Function{})
		f.s.Start()
		f.respond(400, "1", "too early")
		inv := f.submit(Event{ID: "1"})
		f.respond(400, "1", "not fetched")
		f.next()
		f.respond(p.Accepted, "1", "result")
		f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
	}
}

func TestSameEventAgain(t *testing.T) {
	for _, p := range []*protocol.Platform{protocol.SCF, protocol.FunctionGraph} {
		f := start(t, p, Function{})
		inv := f.submit(Event{ID: "1", Body: []byte("event")})
		first, second := f.next(), f.next()
		if first.id != "1" || second.id != "1" || first.body != "event" || second.body != "event" {
			t.Errorf("%s: got %v and %v", p.Name, first, second)
		}
		f.respond(200, "1", "result")
		f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
		f.count("deliveries", func(s Stats) int { return s.Deliveries }, 1)
		f.count("redeliveries", func(s Stats) int { return s.Redeliveries }, 1)
		f.count("polls", func(s Stats) int { return s.Polls }, 2)
	}
}

func TestLambdaRefusesNextInProgress(t *testing.T) {
	f := start(t, lambda, Function{})
	inv := f.submit(Event{ID: "1"})
	f.next()
	got := f.expect(403, "GET", f.p.Next, "")
	if !strings.Contains(got.body, `"errorType":"InvalidStateTransition"`) {
		t.Errorf("got %s", got.body)
	}
	f.respond(202, "1", "result")
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

func TestFirstAnswerCounts(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
		f.next()
		f.fail(p.Accepted, "1", "first")
		f.respond(403, "1", "second")
		f.fail(403, "1", "third")
		f.check(first, Outcome{Kind: Failure, ID: "1", Body: []byte("first")})
		f.next()
		f.respond(p.Accepted, "2", "")
		f.check(second, Outcome{Kind: Result, ID: "2"})
		f.count("refused", func(s Stats) int { return s.Refused }, 2)
		f.count("errors", func(s Stats) int { return s.Errors }, 1)
		f.count("responses", func(s Stats) int { return s.Responses }, 1)
	})
}

func TestWrongID(t *testing.T) {
	for _, p := range []*protocol.Platform{protocol.FunctionGraph, lambda} {
		f := start(t, p, Function{})
		inv := f.submit(Event{ID: "1"})
		f.next()
		f.respond(400, "2", "wrong")
		f.fail(400, "2", "wrong")
		f.respond(404, "", "none")
		f.respond(p.Accepted, "1", "right")
		f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("right")})
	}
}

func TestAnswerBody(t *testing.T) {
	f := start(t, lambda, Function{})
	inv := f.submit(Event{ID: "1"})
	f.next()
	got := f.expect(202, "POST", "/2018-06-01/runtime/invocation/1/response", "result")
	if got.body != `{"status":"OK"}`+"\n" || got.header.Get("Content-Length") != "16" {
		t.Errorf("got %q, %v", got.body, got.header)
	}
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

func TestErrorType(t *testing.T) {
	const header = "Lambda-Runtime-Function-Error-Type"
	for _, test := range []struct {
		name, header, body, want string
	}{
		{"header", "Function.ExitError", `{"errorType":"Other.Type"}`, "Function.ExitError"},
		{"header of another form", "my error", `{"errorType":"Other.Type"}`, "Function.Unknown"},
		{"header with digits", "Function.Exit3", `{}`, "Function.Unknown"},
		{"body", "", `{"errorType":"Other.Type"}`, "Other.Type"},
		{"text", "", `parse error`, ""},
	} {
		f := start(t, lambda, Function{})
		inv := f.submit(Event{ID: "1"})
		f.next()
		f.fail(202, "1", test.body, header, test.header)
		if got := f.outcome(inv); got.Kind != Failure || got.ErrorType != test.want {
			t.Errorf("%s: got %s, want %q", test.name, describe(got), test.want)
		}
	}
}

func TestInitError(t *testing.T) {
	f := newFixture(t, lambda, Function{})
	f.s.Start()
	inv := f.submit(Event{ID: "1"})
	f.expect(202, "POST", f.p.InitError, "why", "Lambda-Runtime-Function-Error-Type", "odd")
	f.check(inv, Outcome{Kind: InitFailed, ID: "1", Body: []byte("why"), ErrorType: "Runtime.Unknown"})
	f.expect(403, "GET", f.p.Next, "") // the instance has ended
	f.count("init errors", func(s Stats) int { return s.InitErrors }, 1)

	f = start(t, lambda, Function{})
	inv = f.submit(Event{ID: "1"})
	f.next()
	f.expect(403, "POST", f.p.InitError, "too late")
	f.respond(202, "1", "result")
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("result")})
}

// After the second start for an event has failed, the next one is a first start again.
func TestInitErrorOfSecondStart(t *testing.T) {
	f := newFixture(t, protocol.Lambda, Function{InitLimit: time.Minute, Timeout: time.Hour})
	f.s.Start()
	inv := f.submit(Event{ID: "1"})
	f.timeUp()
	<-inv.again
	f.s.Start()
	f.expect(202, "POST", f.p.InitError, "why")
	f.check(inv, Outcome{Kind: InitFailed, ID: "1", Body: []byte("why")})
	f.s.Start()
	f.s.update(func(m *machine, _ time.Time) {
		if got := m.deadline().Sub(m.started); got != time.Minute {
			t.Errorf("got %v for the next start, want 1m", got)
		}
	})
}

func TestInitErrorIsLambdas(t *testing.T) {
	f := start(t, protocol.SCF, Function{})
	f.expect(404, "POST", "/runtime/init/error", "why")
}

func TestNoSuchCall(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		response := strings.Replace(p.Response, "{id}", "1", 1)
		f.expect(404, "GET", "/", "")
		f.expect(404, "GET", p.Next+"/", "")
		f.expect(404, "GET", "/"+p.Next, "")
		f.expect(404, "POST", "/runtime/other", "")
		f.expect(405, "POST", p.Next, "")
		f.expect(405, "HEAD", p.Next, "")
		f.expect(405, "GET", response, "")
		f.expect(405, "PUT", response, "result")
		f.count("refused", func(s Stats) int { return s.Refused }, 8)
		f.count("polls", func(s Stats) int { return s.Polls }, 0)
	})
}

func TestTruncatedAnswer(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		inv := f.submit(Event{ID: "1"})
		f.next()
		response := strings.Replace(p.Response, "{id}", "1", 1)
		status := truncated(t, f.url(""), "POST "+response+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
		if !strings.HasPrefix(status, "HTTP/1.1 400 ") {
			t.Errorf("got %q", status)
		}
		status = truncated(t, f.url(""), "POST "+response+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
		if !strings.HasPrefix(status, "HTTP/1.1 400 ") {
			t.Errorf("got %q", status)
		}
		f.respond(p.Accepted, "1", "whole")
		f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("whole")})
		f.count("refused", func(s Stats) int { return s.Refused }, 2)
	})
}

// truncated sends an incomplete request, and returns the response.
func truncated(t *testing.T, url, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, strings.Replace(request, "Host: x", "Host: "+conn.RemoteAddr().String(), 1))
	conn.(*net.TCPConn).CloseWrite()
	var b [200]byte
	n, err := conn.Read(b[:])
	if err != nil {
		t.Error(err)
	}
	return string(b[:n])
}

// A newer poll means that the runtime has given up the older one.
func TestNewerPollTakesOver(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		got := make(chan httpAnswer)
		go func() { got <- f.call("GET", p.Next, "") }()
		go func() { got <- f.call("GET", p.Next, "") }()
		if first := <-got; first.status != http.StatusForbidden {
			t.Errorf("got %v, want 403 for the first of two", first)
		}
		inv := f.submit(Event{ID: "1"})
		if second := <-got; second.id != "1" {
			t.Errorf("got %v, want the event", second)
		}
		f.respond(p.Accepted, "1", "")
		f.check(inv, Outcome{Kind: Result, ID: "1"})
	})
}
