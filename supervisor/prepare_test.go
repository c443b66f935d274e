package supervisor

import (
	"bootstrap/protocol"
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
)

// A preparing is an adapter that readies itself.
type preparing struct {
	adapter
	prepared atomic.Int32
}

func (p *preparing) Prepare() { p.prepared.Add(1) }

// Prepare is called once before each poll, when the answer before has been
// posted, and no more when Run is to stop.
func TestPrepare(t *testing.T) {
	tidy(t)
	const events = 5
	p := newPlatform(t, accept)
	a := &preparing{}
	a.invoke = func(_ context.Context, ev *protocol.Event) ([]byte, error) {
		if got, polls := a.prepared.Load(), len(p.polls); strconv.Itoa(int(got)) != ev.ID || polls != int(got) {
			t.Errorf("event %s: got %d calls and %d polls, want one before each", ev.ID, got, polls)
		}
		return nil, nil
	}
	for i := range events {
		p.events <- event{id: strconv.Itoa(i + 1)}
	}
	r := run(t, p, a, nil)
	for i := range events {
		p.takes(t, post{"response", strconv.Itoa(i + 1), "", ""})
	}
	within(t, "it asks for one more", func() bool { return len(p.polls) == events+1 })
	r.stopped(t)
	if got := a.prepared.Load(); got != events+1 {
		t.Errorf("got %d calls, want %d", got, events+1)
	}
}

// Told to stop while an event is in hand, it prepares for no other.
func TestPrepareStopped(t *testing.T) {
	tidy(t)
	p := newPlatform(t, accept)
	a := &preparing{}
	var r *running
	stopping := make(chan struct{})
	a.invoke = func(context.Context, *protocol.Event) ([]byte, error) {
		<-stopping
		r.stop()
		return nil, nil
	}
	p.events <- event{id: "1"}
	r = run(t, p, a, nil)
	close(stopping)
	p.takes(t, post{"response", "1", "", ""})
	r.stopped(t)
	if got := a.prepared.Load(); got != 1 || a.closed != 1 {
		t.Errorf("got %d calls and %d of Close, want one each", got, a.closed)
	}
}

// One that cannot start is not prepared.
func TestPrepareNotStarted(t *testing.T) {
	tidy(t)
	p := newPlatform(t, accept)
	a := &preparing{}
	a.start = func(context.Context) error { return errOurs }
	r := run(t, p, a, nil)
	if err := r.wait(t); !errors.Is(err, errOurs) {
		t.Errorf("Run: got %v, want %v", err, errOurs)
	}
	if got := a.prepared.Load(); got != 0 {
		t.Errorf("got %d calls, want none", got)
	}
}
