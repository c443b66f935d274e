package emulator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

// A fixture is a server with a runtime that makes plain HTTP calls.
type fixture struct {
	t      *testing.T
	s      *Server
	p      *protocol.Platform
	client *http.Client
}

func newFixture(t *testing.T, p *protocol.Platform, fn Function) *fixture {
	t.Helper()
	s, err := New(p, fn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f := &fixture{t: t, s: s, p: p}
	f.reconnect()
	return f
}

// reconnect makes the following calls use new connections, like those of
// another process.
func (f *fixture) reconnect() {
	transport := &http.Transport{}
	f.t.Cleanup(transport.CloseIdleConnections)
	f.client = &http.Client{Transport: transport}
}

// start returns a fixture with an instance that has reported ready, where the
// platform has that call.
func start(t *testing.T, p *protocol.Platform, fn Function) *fixture {
	t.Helper()
	f := newFixture(t, p, fn)
	f.s.Start()
	f.ready()
	return f
}

func (f *fixture) ready() {
	f.t.Helper()
	if f.p.Ready != "" {
		f.expect(200, "POST", f.p.Ready, " ")
	}
}

func (f *fixture) url(path string) string {
	getenv := func(name string) string {
		for _, v := range f.s.Environment() {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
	endpoint, err := f.p.Endpoint(getenv)
	if err != nil {
		f.t.Fatal(err)
	}
	return "http://" + endpoint + path
}

// An httpAnswer is the answer to a call.
type httpAnswer struct {
	status   int
	id, body string
	header   http.Header
}

func (f *fixture) call(method, path, body string, header ...string) httpAnswer {
	f.t.Helper()
	req, err := http.NewRequest(method, f.url(path), strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := f.client.Do(req)
	if err != nil {
		f.t.Error(err) // not Fatal: also called from other goroutines
		return httpAnswer{}
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Error(err)
	}
	return httpAnswer{resp.StatusCode, resp.Header.Get(f.p.RequestID), string(all), resp.Header}
}

// expect makes a call and checks the status.
func (f *fixture) expect(status int, method, path, body string, header ...string) httpAnswer {
	f.t.Helper()
	got := f.call(method, path, body, header...)
	if got.status != status {
		f.t.Errorf("%s %s: got status %d, want %d: %.200s", method, path, got.status, status, got.body)
	}
	return got
}

// next fetches an event.
func (f *fixture) next() httpAnswer {
	f.t.Helper()
	return f.expect(200, "GET", f.p.Next, "")
}

// respond posts a result for the event with that id, and checks the status.
func (f *fixture) respond(status int, id, body string) {
	f.t.Helper()
	f.expect(status, "POST", strings.Replace(f.p.Response, "{id}", id, 1), body)
}

// fail posts an error, and checks the status.
func (f *fixture) fail(status int, id, body string, header ...string) {
	f.t.Helper()
	f.expect(status, "POST", strings.Replace(f.p.Error, "{id}", id, 1), body, header...)
}

// submit queues an event as Invoke does.
func (f *fixture) submit(ev Event) *invocation {
	f.t.Helper()
	inv, err := f.s.submit(ev)
	if err != nil {
		f.t.Fatal(err)
	}
	return inv
}

// outcome waits for the outcome as Invoke does.
func (f *fixture) outcome(inv *invocation) Outcome {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	out, err := f.s.await(ctx, inv, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// check compares the outcome without its times, and its reason only if one is
// expected.
func (f *fixture) check(inv *invocation, want Outcome) {
	f.t.Helper()
	got := f.outcome(inv)
	if got.Kind != want.Kind || got.ID != want.ID || string(got.Body) != string(want.Body) || got.ErrorType != want.ErrorType ||
		!strings.Contains(got.Reason, want.Reason) {
		f.t.Errorf("outcome: got %s, want %s", describe(got), describe(want))
	}
}

func describe(out Outcome) string {
	return fmt.Sprintf("%v of %s, %.200q, error type %q, reason %q", out.Kind, out.ID, out.Body, out.ErrorType, out.Reason)
}

// count checks one of the server's counters.
func (f *fixture) count(name string, count func(Stats) int, want int) {
	f.t.Helper()
	if got := count(f.s.Stats()); got != want {
		f.t.Errorf("%s: got %d, want %d", name, got, want)
	}
}

// onAllPlatforms runs a test on every platform.
func onAllPlatforms(t *testing.T, test func(t *testing.T, p *protocol.Platform)) {
	for _, p := range protocol.Platforms {
		t.Run(p.Name, func(t *testing.T) { test(t, relaxed(p)) })
	}
}

// lambda is Lambda, except that an event ends when it is answered, as with several
// events in an instance. lambda_test.go tests one event at a time.
var lambda = relaxed(protocol.Lambda)
