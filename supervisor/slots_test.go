package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"
)

// withSlots gives the supervisor n slots.
func withSlots(t *testing.T, p *platform, n int, a func(i int) Adapter) func(s *Supervisor) {
	t.Helper()
	return func(s *Supervisor) {
		out := logs.NewLog(&locked.Buffer{}, logs.Style{})
		s.Slots = nil
		for i := range n {
			client, err := protocol.NewClient(protocol.Lambda, func(string) string { return p.address })
			if err != nil {
				t.Fatal(err)
			}
			s.Slots = append(s.Slots, Slot{Client: client, Adapter: a(i), Source: out.Source(""), Owner: process.SlotOwner(i + 1)})
		}
	}
}

// All slots serve events at the same time, and each answer has the id of its
// event; then they serve the next ones.
func TestSlotsAtTheSameTime(t *testing.T) {
	checkLeaks(t)
	const slots = 5
	p := newPlatform(t, accept)
	var together sync.WaitGroup
	together.Add(slots)
	r := run(t, p, nil, withSlots(t, p, slots, func(int) Adapter {
		first := true
		return &adapter{invoke: func(_ context.Context, ev *protocol.Event) ([]byte, error) {
			if first {
				first = false
				together.Done()
				together.Wait() // for one event in each slot
			}
			return []byte("of " + ev.ID), nil
		}}
	}))
	const events = 3 * slots
	for i := range events {
		p.events <- event{id: fmt.Sprint(i)}
	}
	seen := map[string]bool{}
	for range events {
		got := p.post(t)
		if got.body != "of "+got.id || got.call != "response" || seen[got.id] {
			t.Errorf("got %q", got)
		}
		seen[got.id] = true
	}
	r.stopAndWait(t)
}

// When one slot fails, the others answer their current events, and nobody polls
// again.
func TestOneSlotEndsAll(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	broke, other := make(chan bool), make(chan bool)
	adapters := []*adapter{{}, {}}
	r := run(t, p, nil, withSlots(t, p, 2, func(i int) Adapter {
		adapters[i].invoke = func(_ context.Context, ev *protocol.Event) ([]byte, error) {
			if ev.ID == "breaks" {
				<-other
				return nil, errOurs
			}
			other <- true
			<-broke
			return []byte("done"), nil
		}
		return adapters[i]
	}))
	p.events <- event{id: "goes-on"}
	p.events <- event{id: "breaks"}
	p.wantPosts(t, post{"error", "breaks", "Runtime.InternalError", errOurs.Error()})
	broke <- true
	p.wantPosts(t, post{"response", "goes-on", "", "done"})
	if err := r.wait(t); !errors.Is(err, errOurs) {
		t.Errorf("Run: got %v, want %v", err, errOurs)
	}
	if adapters[0].closed != 1 || adapters[1].closed != 1 {
		t.Errorf("got %d and %d calls of Close, want one each", adapters[0].closed, adapters[1].closed)
	}
}

// When one adapter cannot start, those that have started are closed.
func TestOneSlotDoesNotStart(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	adapters := []*adapter{{}, {start: func(context.Context) error { return errOurs }}, {}}
	r := run(t, p, nil, withSlots(t, p, 3, func(i int) Adapter { return adapters[i] }))
	if err := r.wait(t); !errors.Is(err, errOurs) {
		t.Errorf("Run: got %v, want %v", err, errOurs)
	}
	for i, want := range []int{1, 0, 1} {
		if adapters[i].closed != want {
			t.Errorf("adapter %d: got %d calls of Close, want %d", i, adapters[i].closed, want)
		}
	}
}

// Leftovers of one slot are killed, while the event of another slot keeps its
// own.
func TestLeftoversOfSlots(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	lost := func(owner process.Owner) {
		c := shell("setsid sleep 60 >/dev/null 2>&1 & exit 0")
		c.Owner, c.Keep = owner, true
		if _, err := process.Run(context.Background(), c, 0); err != nil {
			t.Error(err)
		}
	}
	proceed, alive := make(chan bool), make(chan int, 1)
	r := run(t, p, nil, withSlots(t, p, 2, func(i int) Adapter {
		return &adapter{invoke: func(_ context.Context, ev *protocol.Event) ([]byte, error) {
			lost(process.SlotOwner(i + 1))
			if ev.ID == "long" {
				<-proceed
				alive <- len(process.Leftovers(process.SlotOwner(i + 1)))
			}
			return nil, nil
		}}
	}))
	p.events <- event{id: "long"}
	within(t, "the long event has a leftover", func() bool { return len(process.Leftovers(process.Anybody)) == 1 })
	for range 3 {
		p.events <- event{id: "short"}
		p.wantPosts(t, post{"response", "short", "", ""})
	}
	within(t, "those of the short events are killed", func() bool { return len(process.Leftovers(process.Anybody)) == 1 })
	proceed <- true
	if got := <-alive; got != 1 {
		t.Errorf("got %d processes of the long event, want its own", got)
	}
	p.wantPosts(t, post{"response", "long", "", ""})
	r.stopAndWait(t)
}

// After a failed start each event can be answered with the cause.
func TestAnswerFailedStart(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &adapter{start: func(context.Context) error {
		return &protocol.Failure{Type: "Runtime.HandlerNotFound", Message: "no hush-hush"}
	}}
	r := run(t, p, a, func(s *Supervisor) {
		s.Answer = true
		s.Mask.Learn("hush-hush")
	})
	for _, id := range []string{"1", "2"} {
		p.events <- event{id: id}
		p.wantPosts(t, post{"error", id, "Runtime.HandlerNotFound", "no ***"})
	}
	r.stopAndWait(t)
	p.wantNoPost(t)
	if a.closed > 0 {
		t.Errorf("got %d calls of Close, want none", a.closed)
	}
}

// A start fails if an address that it waits for never answers, and if a sidecar
// cannot start.
func TestSidecarNotReady(t *testing.T) {
	checkLeaks(t)
	nobody, err := ParseAddress("tcp://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		change func(s *Supervisor)
		want   string
	}{
		"nobody listens": {func(s *Supervisor) {
			s.WaitFor, s.StartTimeout = []Address{nobody}, 50*time.Millisecond
		}, "BOOTSTRAP_START_TIMEOUT of 50ms has expired"},
		"no such program": {func(s *Supervisor) {
			s.Sidecars = Sidecars{List: []Sidecar{{Name: "db", Command: process.Command{Path: "/none/db"}}}, Log: s.Log}
		}, "/none/db"},
	} {
		p := newPlatform(t, accept)
		r := run(t, p, &adapter{}, func(s *Supervisor) { s.Answer = true; row.change(s) })
		p.events <- event{id: "1"}
		if got := p.post(t); got.kind != "Runtime.SidecarNotReady" || !strings.Contains(got.body, row.want) {
			t.Errorf("%s: got %+v, want %s", name, got, row.want)
		}
		r.stopAndWait(t)
	}
}

// Where the platform does not take the cause of a failed start, it is in the
// log, without secrets.
func TestFailedStartIsReported(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	log := &locked.Buffer{}
	a := &adapter{start: func(context.Context) error { return errors.New("no hush-hush") }}
	r := runOn(t, protocol.FunctionGraph, map[string]string{"RUNTIME_API_ADDR": p.address}, a, func(s *Supervisor) {
		s.InitLog = log
		s.Mask.Learn("hush-hush")
	})
	if err := r.wait(t); err == nil || err.Error() != "cannot start: Runtime.InitError: no ***" {
		t.Errorf("Run: got %v, want the reason", err)
	}
	if got, want := log.String(), "cannot start: Runtime.InitError: no ***\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Each event is logged in one line.
func TestReport(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &meteredAdapter{}
	a.invoke = func(_ context.Context, ev *protocol.Event) ([]byte, error) {
		if ev.ID == "bad" {
			return nil, &protocol.Failure{Type: "Function.ExitError"}
		}
		return []byte("123"), nil
	}
	p.events <- event{id: "good", body: "12345"}
	p.events <- event{id: "bad"}
	r := run(t, p, a, nil)
	p.post(t)
	p.post(t)
	r.stopAndWait(t)
	var lines []string
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, " event: ") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 2 {
		t.Fatalf("got %q, want a line for each event", lines)
	}
	for i, parts := range [][]string{
		{"[INFO]", "request_id=good", "wait=", "run=", "exit=3", "peak_memory=1.5MB", "in=5", "out=3"},
		{"request_id=bad", "in=0", "out=0", "error=Function.ExitError"},
	} {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("got %q, want %s in it", lines[i], part)
			}
		}
	}
}

type meteredAdapter struct{ adapter }

func (*meteredAdapter) Usage() Usage { return Usage{Exit: "3", Peak: 3 << 19} }

// A result that the platform refuses is logged as a failure.
func TestReportRefused(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, func(got post) int {
		if got.call == "response" {
			return 413
		}
		return accepted
	})
	p.events <- event{id: "1"}
	r := run(t, p, &meteredAdapter{}, nil)
	p.post(t)
	p.post(t)
	r.stopAndWait(t)
	if !strings.Contains(r.log.String(), "error=Function.ResponseSizeTooLarge") {
		t.Errorf("got the log %s", r.log)
	}
}

// Secrets that come with an event are hidden in its failure.
func TestSecretsOfAnEvent(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	a := &adapter{invoke: func(_ context.Context, ev *protocol.Event) ([]byte, error) {
		return nil, &protocol.Failure{Type: "Function.ExitError", Message: "for " + ev.ID}
	}}
	p.events <- event{id: "secret-id"}
	r := run(t, p, a, func(s *Supervisor) {
		s.Secrets = []protocol.Fact{{Header: "Lambda-Runtime-Aws-Request-Id"}}
	})
	p.wantPosts(t, post{"error", "secret-id", "Function.ExitError", "for ***"})
	r.stopAndWait(t)
	if strings.Contains(r.log.String(), "no such") {
		t.Error(r.log)
	}
}

// An answer that the platform does not accept is abandoned when the stop limit is
// reached.
func TestStopLimitOfAnswer(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, func(post) int { return 500 })
	p.events <- event{id: "1", limit: time.Hour}
	r := run(t, p, &adapter{}, func(s *Supervisor) { s.StopTimeout = 50 * time.Millisecond })
	p.post(t)
	mustNotWait(t, func() { r.stopAndWait(t) })
}

// Lines that a command logs between two events belong to neither.
func TestLinesBetweenEvents(t *testing.T) {
	checkLeaks(t)
	p := newPlatform(t, accept)
	log := &locked.Buffer{}
	a := &settlingAdapter{}
	p.events <- event{id: "1"}
	p.events <- event{id: "2"}
	r := run(t, p, a, func(s *Supervisor) {
		source := logs.NewLog(log, logs.Style{Prefix: true}).Source("")
		s.Slots[0].Source = source
		a.out = source.Stream("stdout")
	})
	p.post(t)
	p.post(t)
	r.stopAndWait(t)
	if got, want := log.String(), "between\n1 within\nbetween\n2 within\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type settlingAdapter struct {
	adapter
	out io.Writer
}

func (a *settlingAdapter) Settle() { fmt.Fprintln(a.out, "between") }

func (a *settlingAdapter) Invoke(context.Context, *protocol.Event) ([]byte, error) {
	fmt.Fprintln(a.out, "within")
	return nil, nil
}
