package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bootstrap/internal/leaktest"
	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

var errOurs = errors.New("the runtime is broken")

// Each event gets one answer, and the loop continues with the next event, which is
// always "next" here.
func TestAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		result []byte
		err    error
		want   post
	}{
		"a result":          {[]byte("the result\n\n"), nil, post{"response", "1", "", "the result\n\n"}},
		"an empty result":   {nil, nil, post{"response", "1", "", ""}},
		"a binary result":   {everyByte, nil, post{"response", "1", "", string(everyByte)}},
		"a failure":         {nil, &protocol.Failure{Type: "Function.Test", Message: "it failed"}, post{"error", "1", "Function.Test", "it failed"}},
		"a wrapped failure": {nil, fmt.Errorf("wrapped: %w", &protocol.Failure{Type: "Function.Test", Message: "it failed"}), post{"error", "1", "Function.Test", "it failed"}},
		"both":              {[]byte("half"), &protocol.Failure{Type: "Function.Test", Message: "it failed"}, post{"error", "1", "Function.Test", "it failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, accept)
			a := &adapter{}
			a.invoke = func(_ context.Context, ev *protocol.Event) ([]byte, error) {
				if ev.ID == "1" && string(ev.Body) == "the event" {
					return row.result, row.err
				}
				return []byte("next"), nil
			}
			p.events <- event{id: "1", body: "the event"}
			p.events <- event{id: "2"}
			r := run(t, p, a, nil)
			p.wantPosts(t, row.want, post{"response", "2", "", "next"})
			r.stopAndWait(t)
			p.wantNoPost(t)
			if a.closed != 1 {
				t.Errorf("Close: got %d calls, want 1", a.closed)
			}
		})
	}
}

// A07: a result that the platform refuses becomes one failure.
func TestResponseRefused(t *testing.T) {
	for status, kind := range map[int]string{
		400: "Runtime.ResponseRefused",
		403: "Runtime.ResponseRefused",
		404: "Runtime.ResponseRefused",
		413: "Function.ResponseSizeTooLarge",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, func(got post) int {
				if got.id == "1" && got.call == "response" {
					return status
				}
				return accepted
			})
			p.events <- event{id: "1", body: "a"}
			p.events <- event{id: "2", body: "b"}
			r := run(t, p, &adapter{}, nil)
			p.wantPosts(t, post{"response", "1", "", "result of a"})
			got := p.post(t)
			if got.call != "error" || got.id != "1" || got.kind != kind || !strings.Contains(got.body, "11 bytes") || !strings.Contains(got.body, fmt.Sprint(status)) {
				t.Errorf("got the post %q, want a failure %s", got, kind)
			}
			p.wantPosts(t, post{"response", "2", "", "result of b"})
			r.stopAndWait(t)
			p.wantNoPost(t)
		})
	}
}

// The loop continues when the platform refuses all answers.
func TestEverythingRefused(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, func(post) int { return 403 })
	for range 3 {
		p.events <- event{id: "1", body: "a"}
	}
	r := run(t, p, &adapter{}, nil)
	for range 3 {
		p.wantPosts(t, post{"response", "1", "", "result of a"})
		if got := p.post(t); got.call != "error" || got.id != "1" {
			t.Errorf("got the post %q, want a failure", got)
		}
	}
	r.stopAndWait(t)
	p.wantNoPost(t)
}

// A06: an answer that cannot be posted is logged, and the next event is served.
func TestAnswerUndeliverable(t *testing.T) {
	checkLeaks(t)
	var tries atomic.Int32
	p := newPlatform(t, func(got post) int {
		switch {
		case got.id != "lost":
			return accepted
		case tries.Add(1)%2 == 0:
			return 500
		default:
			return hangUp
		}
	})
	p.events <- event{id: "lost", body: "a", limit: 10 * time.Millisecond}
	p.events <- event{id: "2", body: "b"}
	r := run(t, p, &adapter{}, nil)
	lost := post{"response", "lost", "", "result of a"}
	got := p.post(t)
	for ; got == lost; got = p.post(t) {
	}
	if want := (post{"response", "2", "", "result of b"}); got != want {
		t.Errorf("got the post %q, want %q", got, want)
	}
	if text := r.log.String(); !strings.Contains(text, "[ERROR]") || !strings.Contains(text, "request_id=lost") {
		t.Errorf("got the log %q, want an error about the event", text)
	}
	r.stopAndWait(t)
	p.wantNoPost(t)
}

// An error that is not a failure stops the runtime after the event has got its
// answer.
func TestInternalError(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &adapter{invoke: func(context.Context, *protocol.Event) ([]byte, error) { return nil, errOurs }}
	p.events <- event{id: "1"}
	p.events <- event{id: "2"}
	r := run(t, p, a, nil)
	if err := r.wait(t); !errors.Is(err, errOurs) || !strings.Contains(err.Error(), "event 1") {
		t.Errorf("Run: got %v, want %v, with the event's id", err, errOurs)
	}
	p.wantPosts(t, post{"error", "1", "Runtime.InternalError", errOurs.Error()})
	p.wantNoPost(t)
	if len(p.events) != 1 || a.closed != 1 {
		t.Errorf("got %d events left and %d calls of Close, want 1 and 1", len(p.events), a.closed)
	}
}

// The end of ctx stops the poll.
func TestStoppedWhilePolling(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &adapter{}
	r := run(t, p, a, nil)
	<-p.polls
	mustNotWait(t, func() { r.stopAndWait(t) })
	p.wantNoPost(t)
	if a.closed != 1 {
		t.Errorf("Close: got %d calls, want 1", a.closed)
	}
}

// R11: the end of ctx stops neither the current event nor its answer, but no
// further event is served.
func TestStoppedWithAnEvent(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	entered, proceed := make(chan bool), make(chan bool)
	a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
		entered <- true
		<-proceed
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond): // a part of its grace
		}
		return []byte("answer"), context.Cause(ctx)
	}}
	p.events <- event{id: "1"}
	p.events <- event{id: "2"}
	r := run(t, p, a, nil)
	<-entered
	r.stop()
	proceed <- true
	p.wantPosts(t, post{"response", "1", "", "answer"})
	r.stopAndWait(t)
	p.wantNoPost(t)
	if len(p.polls) != 1 || a.closed != 1 {
		t.Errorf("got %d polls and %d calls of Close, want 1 and 1", len(p.polls), a.closed)
	}
}

// An event that is being delivered when ctx ends is served, as the platform
// will not deliver it again.
func TestStoppedWhileDelivering(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &adapter{invoke: func(_ context.Context, ev *protocol.Event) ([]byte, error) {
		return []byte(strconv.Itoa(len(ev.Body))), nil
	}}
	// The body is large enough that the pause begins when a part of it has been
	// read.
	delivering, proceed := make(chan bool), make(chan bool)
	p.events <- event{id: "1", body: strings.Repeat("x", 15<<20), pause: func() {
		delivering <- true
		<-proceed
	}}
	r := run(t, p, a, nil)
	<-delivering
	r.stop()
	proceed <- true
	p.wantPosts(t, post{"response", "1", "", strconv.Itoa(15 << 20)})
	r.stopAndWait(t)
	p.wantNoPost(t)
}

// An event that outlasts the grace is stopped, and still gets its answer.
func TestStoppedAndOutOfGrace(t *testing.T) {
	for name, limit := range map[string]time.Duration{"with a deadline": time.Minute, "without": 0} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, accept)
			entered := make(chan bool, 1)
			a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
				entered <- true
				<-ctx.Done()
				return nil, &protocol.Failure{Type: "Function.Stopped", Message: context.Cause(ctx).Error()}
			}}
			p.events <- event{id: "1", limit: limit}
			r := run(t, p, a, func(s *Supervisor) { s.Grace = 10 * time.Millisecond })
			<-entered
			mustNotWait(t, func() { r.stopAndWait(t) })
			p.wantPosts(t, post{"error", "1", "Function.Stopped", ErrStopping.Error()})
			p.wantNoPost(t)
		})
	}
}

// T05: an event times out before its deadline, so that the answer arrives in time.
func TestDeadlineOfAnEvent(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
		<-ctx.Done()
		return nil, &protocol.Failure{Type: "Function.Timeout", Message: context.Cause(ctx).Error()}
	}}
	began := time.Now()
	const limit = 2 * time.Second
	p.events <- event{id: "1", limit: limit}
	r := run(t, p, a, func(s *Supervisor) { s.Margin = 1500 * time.Millisecond }) // capped at a second
	p.wantPosts(t, post{"error", "1", "Function.Timeout", context.DeadlineExceeded.Error()})
	if took := time.Since(began); took > limit {
		t.Errorf("it took %v, want less than %v", took, limit)
	}
	r.stopAndWait(t)
}

func TestContextOfAnEvent(t *testing.T) {
	for name, row := range map[string]struct {
		limit, margin time.Duration // of the platform's event, of the supervisor
		want          time.Duration // before the deadline; 0: never
	}{
		"no limit":             {0, 0, 0},
		"a long limit":         {time.Hour, 0, time.Second},
		"a chosen one":         {time.Hour, 3 * time.Second, 3 * time.Second},
		"already over":         {-time.Hour, time.Second, 0}, // by another clock
		"no limit, yet chosen": {0, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := newPlatform(t, accept)
			got := make(chan time.Duration, 1)
			a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
				until, ok := ctx.Deadline()
				if !ok {
					until = ev.Deadline
				}
				got <- ev.Deadline.Sub(until)
				return nil, nil
			}}
			p.events <- event{id: "1", limit: row.limit}
			r := run(t, p, a, func(s *Supervisor) { s.Margin = row.margin })
			if got := <-got; (got - row.want).Abs() > bound {
				t.Errorf("got %v before the deadline, want %v", got, row.want)
			}
			p.wantPosts(t, post{"response", "1", "", ""})
			r.stopAndWait(t)
		})
	}
}

func TestMargin(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for name, row := range map[string]struct{ limit, chosen, want time.Duration }{
		"3 s":                    {3 * s, 0, 300 * ms},
		"1 s":                    {s, 0, 100 * ms},
		"short":                  {500 * ms, 0, 100 * ms},
		"very short":             {150 * ms, 0, 75 * ms},
		"1 ms":                   {ms, 0, ms / 2},
		"10 s":                   {10 * s, 0, s},
		"15 min":                 {900 * s, 0, s},
		"chosen":                 {3 * s, 50 * ms, 50 * ms},
		"chosen, more than half": {3 * s, 2 * s, 1500 * ms},
		"chosen, as the limit":   {3 * s, 3 * s, 1500 * ms},
		"negative":               {3 * s, -s, 300 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			if got := margin(row.limit, row.chosen); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

func TestAnswerContext(t *testing.T) {
	for name, row := range map[string]struct{ deadline, want time.Duration }{
		"far":         {time.Hour, time.Hour},
		"near":        {time.Millisecond, time.Second},
		"over":        {-time.Hour, time.Second},
		"no deadline": {0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			ev := &protocol.Event{ID: "1"}
			began := time.Now()
			if row.deadline != 0 {
				ev.Deadline = began.Add(row.deadline)
			}
			ctx, cancel := answerContext(t.Context(), ev)
			defer cancel()
			until, ok := ctx.Deadline()
			if got := until.Sub(began); !ok || got < row.want || got > row.want+5*time.Second {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// Leftovers of an event are killed before the next poll.
func TestNothingOutlivesItsEvent(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	var before []int
	a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
		before = append(before, len(procfs.OurChildren()))
		_, err := process.Run(ctx, shell(escape+"escape 'sleep 60 >&2 &'; (setsid sleep 60 &) ; sleep 60 & :"), 0)
		return nil, err
	}}
	const events = 5
	for range events {
		p.events <- event{id: "1"}
	}
	r := run(t, p, a, nil)
	for range events {
		p.wantPosts(t, post{"response", "1", "", ""})
	}
	r.stopAndWait(t)
	for i, n := range append(before, len(procfs.OurChildren())) {
		if n > 0 {
			t.Errorf("after %d events: got %d processes left, want none", i, n)
		}
	}
}

// With Keep, leftovers of an event keep running until Run returns, and are logged
// once.
func TestKeepLeftovers(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	alive := make(chan int, 1)
	a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
		alive <- len(process.Leftovers(process.Anybody))
		if ev.ID != "first" {
			return nil, nil
		}
		c := shell("setsid sleep 60 & sleep 60 & :")
		c.Keep = true
		_, err := process.Run(ctx, c, 0)
		return nil, err
	}}
	r := run(t, p, a, func(s *Supervisor) { s.Keep = true })
	for i, id := range []string{"first", "2", "3"} {
		p.events <- event{id: id}
		if got, want := <-alive, 2*min(i, 1); got != want {
			t.Errorf("at event %s: got %d processes, want %d", id, got, want)
		}
		p.wantPosts(t, post{"response", id, "", ""})
	}
	r.stopAndWait(t)
	if pids := procfs.OurChildren(); len(pids) > 0 {
		t.Errorf("got children %v, want none", pids)
	}
	if got := strings.Count(r.log.String(), "left a process running"); got != 2 {
		t.Errorf("got %d lines about leftovers, want 2: %s", got, r.log)
	}
}

// T11: many events do not accumulate goroutines, descriptors or connections.
func TestManyEvents(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	r := run(t, p, &adapter{}, nil)
	p.events <- event{id: "0", body: "0"}
	p.wantPosts(t, post{"response", "0", "", "result of 0"})
	files := len(leaktest.OpenFiles(t))
	for i := range 500 {
		id := fmt.Sprint(i)
		p.events <- event{id: id, body: id, limit: time.Hour}
		p.wantPosts(t, post{"response", id, "", "result of " + id})
	}
	if now := leaktest.OpenFiles(t); len(now) > files {
		t.Errorf("got descriptors %q, want %d", now, files)
	}
	r.stopAndWait(t)
	p.wantNoPost(t)
}

// everyByte has all values of a byte.
var everyByte = func() (all []byte) {
	for i := range 256 {
		all = append(all, byte(i*7))
	}
	return all
}()
