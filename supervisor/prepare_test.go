package supervisor

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"bootstrap/protocol"
)

// A preparingAdapter counts calls of Prepare.
type preparingAdapter struct {
	adapter
	prepared atomic.Int32
}

func (p *preparingAdapter) Prepare() { p.prepared.Add(1) }

// Prepare is called once before each poll, after the last answer was posted,
// and not after ctx has ended.
func TestPrepare(t *testing.T) {
	checkLeaks(t)
	const events = 5
	p := newPlatform(t, accept)
	a := &preparingAdapter{}
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
		p.wantPosts(t, post{"response", strconv.Itoa(i + 1), "", ""})
	}
	within(t, "it asks for one more", func() bool { return len(p.polls) == events+1 })
	r.stopAndWait(t)
	if got := a.prepared.Load(); got != events+1 {
		t.Errorf("got %d calls, want %d", got, events+1)
	}
}

// When the stop begins during an event, the adapter is not prepared again.
func TestPrepareStopped(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &preparingAdapter{}
	var r *runningSupervisor
	stopping := make(chan struct{})
	a.invoke = func(context.Context, *protocol.Event) ([]byte, error) {
		<-stopping
		r.stop()
		return nil, nil
	}
	p.events <- event{id: "1"}
	r = run(t, p, a, nil)
	close(stopping)
	p.wantPosts(t, post{"response", "1", "", ""})
	r.stopAndWait(t)
	if got := a.prepared.Load(); got != 1 || a.closed != 1 {
		t.Errorf("got %d calls and %d of Close, want one each", got, a.closed)
	}
}

// An adapter that cannot start is not prepared.
func TestPrepareNotStarted(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &preparingAdapter{}
	a.start = func(context.Context) error { return errOurs }
	r := run(t, p, a, nil)
	if err := r.wait(t); !errors.Is(err, errOurs) {
		t.Errorf("Run: got %v, want %v", err, errOurs)
	}
	if got := a.prepared.Load(); got != 0 {
		t.Errorf("got %d calls, want none", got)
	}
}
