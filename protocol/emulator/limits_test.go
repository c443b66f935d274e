package emulator

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

func TestLargestEventAndResult(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{Timeout: time.Minute})
		inv := f.submit(Event{ID: "1", Body: bytes.Repeat([]byte("e"), p.MaxEvent)})
		got := f.next()
		if len(got.body) != p.MaxEvent {
			t.Errorf("got an event of %d bytes, want %d", len(got.body), p.MaxEvent)
		}
		f.respond(p.Accepted, "1", strings.Repeat("r", p.MaxResult))
		if out := f.outcome(inv); out.Kind != Result || len(out.Body) != p.MaxResult {
			t.Errorf("got %v of %d bytes, want %d", out.Kind, len(out.Body), p.MaxResult)
		}
	})
}

func TestEventTooLarge(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		_, err := f.s.Invoke(t.Context(), Event{Body: make([]byte, p.MaxEvent+1)})
		if err == nil || !strings.Contains(err.Error(), p.Title) {
			t.Errorf("got %v, want an error that names the platform and its limit", err)
		}
	})
}

func TestResultTooLarge(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{Timeout: time.Minute})
		tooLarge := strings.Repeat("r", p.MaxResult+1)
		inv := f.submit(Event{ID: "1"})
		f.next()
		f.respond(413, "1", tooLarge)
		f.respond(403, "1", "a result after all")
		f.fail(413, "1", tooLarge)
		f.fail(p.Accepted, "1", "error")
		f.check(inv, Outcome{Kind: Failure, ID: "1", Body: []byte("error")})
		f.fail(403, "1", "again")
	})
}

// A runtime that goes on after the refusal, without posting an error, has
// failed the event.
func TestResultTooLargeAndOn(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{Timeout: time.Minute})
		first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
		f.next()
		f.respond(413, "1", strings.Repeat("r", p.MaxResult+1))
		if got := f.next(); got.id != "2" {
			t.Errorf("got event %q, want the second", got.id)
		}
		out := f.outcome(first)
		if out.Kind != Failure || out.ErrorType != "Function.ResponseSizeTooLarge" ||
			!bytes.Contains(out.Body, []byte(out.ErrorType)) {
			t.Errorf("got %s", describe(out))
		}
		f.respond(p.Accepted, "2", "fits")
		f.check(second, Outcome{Kind: Result, ID: "2", Body: []byte("fits")})
	})
}
