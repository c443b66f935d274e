package protocol

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

// extension returns an extension of p that calls the scripted platform.
func (s *scripted) extension(p *Platform) *Extension {
	s.t.Helper()
	address := s.listener.Addr().String()
	e, err := NewExtension(p, variables{p.Address[0]: address}.get)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(e.Close)
	return e
}

// registered is a response to Register.
const registered = "HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: some-id\r\nContent-Length: 2\r\n\r\n{}"

func TestExtension(t *testing.T) {
	asked := make(chan struct{})
	s := newScripted(t,
		func(v *visit) bool {
			body, err := io.ReadAll(v.Body)
			if string(body) != `{"events":[]}` || err != nil || v.Header.Get("Lambda-Extension-Name") != "bootstrap" {
				t.Errorf("got %q, %v, header %v", body, err, v.Header)
			}
			return answer(registered)(v)
		},
		func(v *visit) bool { // answers nothing
			if got := v.Header.Get("Lambda-Extension-Identifier"); got != "some-id" {
				t.Errorf("got id %q", got)
			}
			close(asked)
			return true
		})
	e := s.extension(Lambda)
	if err := e.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Wait(ctx) }()
	<-asked
	enough := errors.New("enough")
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("got %v, want the cause", err)
	}
	want := []string{"POST /2020-01-01/extension/register", "GET /2020-01-01/extension/event/next"}
	if got := s.seen(); !slices.Equal(got, want) || s.connections() != 1 {
		t.Errorf("got %q over %d connections, want %q over one", got, s.connections(), want)
	}
}

// On a platform without extensions, Register and Wait return at once, without a
// call.
func TestNoExtension(t *testing.T) {
	s := newScripted(t, answer(status(500)))
	e := s.extension(FunctionGraph)
	if err := e.Register(t.Context()); err != nil {
		t.Error(err)
	}
	if err := e.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if got := s.seen(); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestNoExtensionWithoutAddress(t *testing.T) {
	_, err := NewExtension(Lambda, variables{}.get)
	says(t, err, "AWS_LAMBDA_RUNTIME_API")
}

// Wait returns at once after a failed Register, as it has no id for its calls.
func TestRegisterFails(t *testing.T) {
	for name, test := range map[string]struct {
		step step
		says []string
	}{
		"old emulator": {answer(status(404)), []string{"register", "404"}},
		"too late":     {answer(status(403)), []string{"register", "403"}},
		"hangs up":     {reset, []string{"register"}},
		"no id":        {answer(status(200)), []string{"register", `""`}},
		"odd id":       {answer("HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: a b\r\nContent-Length: 0\r\n\r\n"), []string{`"a b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t, test.step)
			e := s.extension(Lambda)
			says(t, e.Register(t.Context()), test.says...)
			if err := e.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			if got := len(s.seen()); got != 1 {
				t.Errorf("got %d requests, want 1", got)
			}
		})
	}
}

// Register gives up in time if the platform does not answer, or breaks off.
func TestRegisterIsBounded(t *testing.T) {
	for name, text := range map[string]string{"silence": "", "half an answer": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			e := newScripted(t, answer(text)).extension(Lambda)
			e.registerLimit, e.conn.AnswerTime = 20*time.Millisecond, 20*time.Millisecond
			if err := e.Register(t.Context()); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestRegisterEndedContext(t *testing.T) {
	s := newScripted(t, answer(registered))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.extension(Lambda).Register(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWaitRefused(t *testing.T) {
	s := newScripted(t, answer(registered), answer(status(403)))
	e := s.extension(Lambda)
	if err := e.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	says(t, e.Wait(t.Context()), "extension next", "403")
	if got := len(s.seen()); got != 2 {
		t.Errorf("got %d requests, want 2", got)
	}
}

// Wait repeats its call until the platform holds it, whatever fails before.
func TestWaitRepeats(t *testing.T) {
	for name, broken := range map[string]step{
		"dead connection": reset,
		"hang-up":         func(*visit) bool { return false },
		"half an answer":  early("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
		"408":             answer(status(408)),
		"500":             answer(status(500)),
		"an event":        answer(status(200)),
	} {
		t.Run(name, func(t *testing.T) {
			held := make(chan struct{})
			s := newScripted(t, answer(registered), broken, broken, broken, func(*visit) bool {
				close(held)
				return true
			})
			e := s.extension(Lambda)
			e.backoff = Backoff{time.Millisecond, time.Millisecond}
			if err := e.Register(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-held
				cancel()
			}()
			if err := e.Wait(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}
