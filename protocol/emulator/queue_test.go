package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"testing"
	"time"

	"bootstrap/protocol"
)

func TestParallelInvokes(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		const n = 50
		var invokes sync.WaitGroup
		for i := range n {
			invokes.Go(func() {
				body := fmt.Sprint("event ", i)
				out, err := f.s.Invoke(t.Context(), Event{Body: []byte(body)})
				if err != nil || out.Kind != Result || string(out.Body) != body {
					t.Errorf("got %s, %v, want %q", describe(out), err, body)
				}
			})
		}
		for range n {
			ev := f.next()
			f.respond(p.Accepted, ev.id, ev.body)
		}
		invokes.Wait()
		f.count("deliveries", func(s Stats) int { return s.Deliveries }, n)
	})
}

func TestEventsKeepTheirOrder(t *testing.T) {
	f := start(t, lambda, Function{})
	for i := range 10 {
		f.submit(Event{ID: fmt.Sprint(i)})
	}
	for i := range 10 {
		if got := f.next(); got.id != fmt.Sprint(i) {
			t.Errorf("got event %s, want %d", got.id, i)
		}
		f.respond(202, fmt.Sprint(i), "")
	}
}

func TestRandomID(t *testing.T) {
	f := start(t, lambda, Function{})
	first, second := f.submit(Event{}), f.submit(Event{})
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(first.id) || !uuid.MatchString(second.id) || first.id == second.id {
		t.Errorf("got ids %s and %s", first.id, second.id)
	}
}

func TestEndedContext(t *testing.T) {
	f := start(t, lambda, Function{})
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if out, err := f.s.Invoke(ctx, Event{ID: "1"}); !errors.Is(err, gone) {
		t.Errorf("got %s, %v, want the cause", describe(out), err)
	}
	inv := f.submit(Event{ID: "2"})
	if got := f.next(); got.id != "2" {
		t.Errorf("got event %s, the one before was withdrawn", got.id)
	}
	f.respond(202, "2", "")
	f.check(inv, Outcome{Kind: Result, ID: "2"})
}

// An event that was fetched stays even if its caller no longer waits for the
// outcome.
func TestEndedContextWhenFetched(t *testing.T) {
	f := start(t, lambda, Function{})
	ctx, cancel := context.WithCancel(t.Context())
	inv := f.submit(Event{ID: "1"})
	f.next()
	cancel()
	if _, err := f.s.await(ctx, inv, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	second := f.submit(Event{ID: "2"})
	f.expect(403, "GET", f.p.Next, "")
	f.respond(202, "1", "")
	f.next()
	f.respond(202, "2", "")
	f.check(second, Outcome{Kind: Result, ID: "2"})
}

// The limit of an event is withdrawn with it.
func TestWithdrawn(t *testing.T) {
	f := start(t, lambda, Function{Timeout: time.Minute})
	first, second := f.submit(Event{ID: "1"}), f.submit(Event{ID: "2"})
	f.next()
	f.s.update(func(m *machine, now time.Time) {
		m.withdraw(now, second) // not the first of the queue
		m.withdraw(now, second)
		m.withdraw(now, first) // fetched: it stays
	})
	f.respond(202, "1", "")
	f.check(first, Outcome{Kind: Result, ID: "1"})
	inv := f.submit(Event{ID: "3"})
	f.s.update(func(m *machine, now time.Time) {
		m.withdraw(now, inv)
		if !m.deadline().IsZero() || len(m.queue) > 0 {
			t.Errorf("got deadline %v, queue %v", m.deadline(), m.queue)
		}
	})
}

func TestClose(t *testing.T) {
	f := start(t, lambda, Function{})
	waits := f.submit(Event{ID: "1"})
	f.next()
	if err := f.s.Close(); err != nil {
		t.Error(err)
	}
	if err := f.s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.s.await(t.Context(), waits, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := f.s.Invoke(t.Context(), Event{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	f.s.Start()("after the end")
	if _, err := f.client.Get(f.url(f.p.Next)); err == nil {
		t.Error("the closed server answers")
	}
}

func TestCloseEndsHeldPoll(t *testing.T) {
	f := start(t, lambda, Function{})
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		if resp, err := f.client.Get(f.url(f.p.Next)); err == nil {
			resp.Body.Close()
		}
	}()
	for f.s.Stats().Polls == 0 {
		f.call("GET", "/", "")
	}
	f.s.Close()
	<-polled
}
