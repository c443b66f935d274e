package protocol_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/internal/transcript"
)

// scenarios are the client's part of the golden transcripts, which pin the vendors'
// documents: what the client does, and what it must return. The server only knows
// the transcript. It checks the client's requests and sends the documented
// responses.
var scenarios = map[string]func(a *actor){
	"scf: a result": func(a *actor) {
		a.ready()
		ev := a.next("5a0bd2a7-ab8c-4d2f-b2bd-2b0d3d9d1f11", `{"key1":"value1","key2":"value2"}`)
		a.checkLimit(ev, 3*time.Second)
		a.checkHeader(ev, "Memory_Limit_In_Mb", "128")
		a.respond(ev, `Echoing request: '{"key1":"value1","key2":"value2"}'`, 0)
	},
	"scf: an error": func(a *actor) {
		a.ready()
		ev := a.next("0c1d0b4e-5a3c-4f0e-9d3f-6f3d8a1b2c3d", `{}`)
		a.checkLimit(ev, 3*time.Second)
		a.checkHeader(ev, "Memory_Limit_In_Mb", "128")
		a.fail(ev, &protocol.Failure{Type: "Function.ExitError", Message: "parse event error"})
	},
	"scf: the same event again, and the first answer counts": func(a *actor) {
		a.ready()
		a.next("7e9f5c1a-1111-4222-8333-944445555666", `"again"`)
		ev := a.next("7e9f5c1a-1111-4222-8333-944445555666", `"again"`)
		a.respond(ev, "first", 0)
		a.respond(ev, "second", 403)
	},
	"scf: a result that is too large": func(a *actor) {
		a.ready()
		ev := a.next("2f6f1f0e-0000-4000-8000-00000000413a", `{}`)
		a.respond(ev, strings.Repeat("x", 6<<20+1), 413)
		a.fail(ev, &protocol.Failure{Type: "Function.ResponseSizeTooLarge", Message: "too large"})
	},

	"functiongraph: a result": func(a *actor) {
		a.ready()
		ev := a.next("9d4b0f6e-3d5c-4f39-8a55-0d7e1c9a1b42", `{"key": "value1"}`)
		a.checkLimit(ev, 5*time.Second)
		a.checkHeader(ev, "X-Cff-Invoke-Type", "sync")
		a.respond(ev, `{"result": "succeeded"}`, 0)
	},
	"functiongraph: an error": func(a *actor) {
		ev := a.next("41a0f6f5-54f6-4c0b-9c1a-8e1f6d7a2b33", `{}`)
		a.fail(ev, &protocol.Failure{Type: "Function.ExitError", Message: "exit status 3", Stack: []string{"a line"}})
	},
	"functiongraph: no event yet": func(a *actor) {
		ev := a.next("6c2d7f10-9b8a-4c7d-8e6f-5a4b3c2d1e0f", `event`)
		a.respond(ev, `result`, 0)
	},
	"functiongraph: a result that is too large": func(a *actor) {
		ev := a.next("2f6f1f0e-0000-4000-8000-00000000413b", `{}`)
		a.respond(ev, strings.Repeat("x", 6<<20+1), 413)
		a.fail(ev, &protocol.Failure{Type: "Function.ResponseSizeTooLarge", Message: "too large"})
	},

	"lambda: a result": func(a *actor) {
		a.ready()
		ev := a.next("8476a536-e9f4-11e8-9739-2dfe598c3fcd", `{"name":"test"}`)
		if !ev.Deadline.IsZero() { // the document's is one of 2018
			a.t.Errorf("deadline: got %v", ev.Deadline)
		}
		a.checkHeader(ev, "Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
		a.respond(ev, `SUCCESS`, 0)
	},
	"lambda: an error": func(a *actor) {
		ev := a.next("156cb537-e2d4-11e8-9b34-d36013741fb9", `{"name":"test"}`)
		a.fail(ev, &protocol.Failure{Type: "Runtime.UnknownReason", Message: "Error parsing event data."})
	},
	"lambda: an error of the initialisation": func(a *actor) {
		err := a.client.FailInit(a.ctx, &protocol.Failure{Type: "Runtime.NoSuchHandler", Message: "Failed to load function."})
		if err != nil {
			a.t.Error(err)
		}
	},
	"lambda: a second answer": func(a *actor) {
		ev := a.next("8476a536-e9f4-11e8-9739-2dfe598c3fcd", `{}`)
		a.respond(ev, "first", 0)
		a.respond(ev, "second", 403)
	},
	"lambda: a wrong id": func(a *actor) {
		ev := a.next("8476a536-e9f4-11e8-9739-2dfe598c3fcd", `{}`)
		a.respond(&protocol.Event{ID: "156cb537-e2d4-11e8-9b34-d36013741fb9"}, "wrong", 400)
		a.respond(ev, "right", 0)
	},
	"lambda: a result that is too large": func(a *actor) {
		ev := a.next("8476a536-e9f4-11e8-9739-2dfe598c3fcd", `{}`)
		a.respond(ev, strings.Repeat("x", 6<<20+101), 413)
	},
	"lambda: an extension, which the platform then does not know": func(a *actor) {
		if err := a.extension.Register(a.ctx); err != nil {
			a.t.Error(err)
		}
		err := a.extension.Wait(a.ctx)
		if status, ok := errors.AsType[*protocol.StatusError](err); !ok || status.Status != 403 {
			a.t.Errorf("got %v, want status 403", err)
		}
	},
}

func TestTranscripts(t *testing.T) {
	played := 0
	for _, p := range protocol.Platforms {
		all, err := transcript.Read("testdata/" + p.Name + ".http")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			name := p.Name + ": " + s.Name
			t.Run(name, func(t *testing.T) { play(t, p, s, scenarios[name]) })
			played++
		}
	}
	if played != len(scenarios) {
		t.Errorf("got %d scenarios in the files, %d here", played, len(scenarios))
	}
}

// play lets the client act against a server that follows the transcript.
func play(t *testing.T, p *protocol.Platform, s transcript.Scenario, act func(*actor)) {
	if act == nil {
		t.Fatal("nobody says what the client does here")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("the client asks for more than the transcript has"))
	defer cancel()
	served := make(chan error, 1)
	go func() { // ends when the client hangs up
		served <- follow(listener, s.Exchanges)
		cancel()
	}()
	getenv := environment(p, listener.Addr().(*net.TCPAddr))
	c, err := protocol.NewClient(p, getenv)
	if err != nil {
		t.Fatal(err)
	}
	e, err := protocol.NewExtension(p, getenv)
	if err != nil {
		t.Fatal(err)
	}
	act(&actor{t, ctx, c, e})
	c.Close()
	e.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func environment(p *protocol.Platform, at *net.TCPAddr) func(string) string {
	return func(name string) string {
		return map[string]string{
			"SCF_RUNTIME_API":        "127.0.0.1",
			"SCF_RUNTIME_API_PORT":   fmt.Sprint(at.Port),
			"RUNTIME_API_ADDR":       at.String(),
			"RUNTIME_TIMEOUT":        "5",
			"AWS_LAMBDA_RUNTIME_API": at.String(),
		}[name]
	}
}

// follow serves one connection until it is closed. A client that follows the
// transcript needs no second one.
func follow(listener net.Listener, exchanges []transcript.Exchange) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for i, x := range exchanges {
		if err := check(r, &x.Request); err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		if _, err := conn.Write(x.Response.Bytes()); err != nil {
			return err
		}
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return fmt.Errorf("after the last exchange: got %v, want EOF", err)
	}
	return nil
}

// check reads a request and compares it with the transcript's.
func check(r *bufio.Reader, want *transcript.Message) error {
	req, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%s %s %s", req.Method, req.RequestURI, req.Proto); got != want.Start {
		return fmt.Errorf("got %q, want %q", got, want.Start)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	return want.Check(req.Header.Get, body)
}

// An actor calls the client and checks the results. Its ctx ends when the server
// stops.
type actor struct {
	t         *testing.T
	ctx       context.Context
	client    *protocol.Client
	extension *protocol.Extension
}

func (a *actor) ready() {
	a.t.Helper()
	if err := a.client.Ready(a.ctx); err != nil {
		a.t.Error(err)
	}
}

func (a *actor) next(id, body string) *protocol.Event {
	a.t.Helper()
	ev, err := a.client.Next(a.ctx)
	if err != nil {
		a.t.Error(err)
		return &protocol.Event{ID: id}
	}
	if ev.ID != id || string(ev.Body) != body {
		a.t.Errorf("event: got %s %q, want %s %q", ev.ID, ev.Body, id, body)
	}
	return ev
}

func (a *actor) checkLimit(ev *protocol.Event, want time.Duration) {
	a.t.Helper()
	if got := ev.Limit(); got != want {
		a.t.Errorf("limit: got %v, want %v", got, want)
	}
}

func (a *actor) checkHeader(ev *protocol.Event, name, want string) {
	a.t.Helper()
	if got := ev.Header.Get(name); got != want {
		a.t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// respond posts a result and expects a refusal with that status, or success if it
// is 0.
func (a *actor) respond(ev *protocol.Event, result string, want int) {
	a.t.Helper()
	err := a.client.Respond(a.ctx, ev, []byte(result))
	got := 0
	if status, ok := errors.AsType[*protocol.StatusError](err); ok {
		got, err = status.Status, nil
	}
	if err != nil || got != want {
		a.t.Errorf("response: got status %d, error %v, want status %d", got, err, want)
	}
}

func (a *actor) fail(ev *protocol.Event, f *protocol.Failure) {
	a.t.Helper()
	if err := a.client.Fail(a.ctx, ev, f); err != nil {
		a.t.Error(err)
	}
}
