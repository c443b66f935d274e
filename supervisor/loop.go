package supervisor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// A slot runs the loop of a Slot.
type slot struct {
	*Supervisor
	Slot
	large           bool  // the last event or its result was large
	loggedLeftovers []int // pids of leftovers that are in the log already
}

// loop fetches an event, hands it to the adapter, posts one answer, and cleans
// up, until ctx ends. The end of ctx stops the poll, never an answer.
func (s *slot) loop(ctx, working context.Context) error {
	for ctx.Err() == nil {
		s.prepare()
		polled := time.Now()
		ev, err := s.Client.Next(ctx)
		if ev == nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.handle(working, ev, ev.Received.Sub(polled))
		s.clearUp()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *slot) prepare() {
	if p, ok := s.Adapter.(Preparer); ok {
		p.Prepare()
	}
}

// handle serves one event. waited is how long the poll has taken. An error
// stops the runtime.
func (s *slot) handle(ctx context.Context, ev *protocol.Event, waited time.Duration) error {
	defer s.maskSecrets(ev)()
	result, err := s.invoke(ctx, ev)
	took := time.Since(ev.Received)
	post, cancel := answerContext(s.answerCtx, ev)
	defer cancel()
	if err == nil {
		err = s.respond(post, ev, result)
	}
	if err != nil {
		s.logUndelivered(ev, s.Client.Fail(post, ev, masked(s.Mask, failure(err, "Runtime.InternalError"))))
	}
	s.freeMemory(len(ev.Body) + len(result))
	s.report(ev, waited, took, len(result), err)
	if _, failed := errors.AsType[*protocol.Failure](err); err != nil && !failed {
		return fmt.Errorf("cannot serve event %s: %w", ev.ID, err)
	}
	return nil
}

// maskSecrets masks the secrets that come with the event, until done is called.
func (s *slot) maskSecrets(ev *protocol.Event) (done func()) {
	if len(s.Secrets) == 0 {
		return func() {}
	}
	var values []string
	for _, secret := range s.Secrets {
		values = append(values, ev.Header.Get(secret.Header))
	}
	return s.Mask.LearnPassing(values...)
}

// freeMemory returns memory to the system after the first small event that
// follows large ones, so that large events in a row reuse it.
func (s *slot) freeMemory(moved int) {
	const large = 1 << 20 // bytes; such events are rare
	before := s.large
	s.large = moved > large
	if before && !s.large {
		debug.FreeOSMemory()
	}
}

// respond posts a result. It returns a *protocol.Failure if the platform
// refuses it.
func (s *slot) respond(ctx context.Context, ev *protocol.Event, result []byte) error {
	err := s.Client.Respond(ctx, ev, result)
	refusal, ok := errors.AsType[*protocol.StatusError](err)
	if !ok || !refusal.Refused() {
		s.logUndelivered(ev, err)
		return nil
	}
	f := &protocol.Failure{Type: "Runtime.ResponseRefused"}
	if refusal.Status == 413 {
		f.Type = "Function.ResponseSizeTooLarge"
	}
	f.Message = fmt.Sprintf("the platform refused the result of %d bytes: %v", len(result), refusal)
	return f
}

// logUndelivered logs an answer that could not be posted. The loop goes on: the
// next event may succeed, and if the platform is unreachable the poll fails.
func (s *slot) logUndelivered(ev *protocol.Event, err error) {
	if err != nil {
		s.Log.Error("cannot post the answer", "request_id", ev.ID, "error", err)
	}
}

// invoke runs the adapter with a context that ends some time before the event's
// deadline. Everything logged meanwhile belongs to the event.
func (s *slot) invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	var until time.Time
	if !ev.Deadline.IsZero() {
		until = ev.Deadline.Add(-margin(ev.Limit(), s.Margin))
		event, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		ctx = event
	}
	if a, ok := s.Adapter.(Settler); ok {
		a.Settle()
	}
	s.Source.Begin(ev.ID, until)
	defer s.Source.Flush()
	if err := process.Exhausted(); err != nil {
		return nil, &FatalError{&protocol.Failure{Type: "Runtime.TooManyProcesses", Message: err.Error()}}
	}
	return s.Adapter.Invoke(ctx, ev)
}

// margin returns how long before its deadline an event is stopped, to have time
// to post the failure: the platform would kill us without a reason. The default
// is a tenth of the limit, from 100 ms to 1 s. The maximum is half of the
// limit.
func margin(limit, chosen time.Duration) time.Duration {
	if chosen <= 0 {
		chosen = min(max(limit/10, 100*time.Millisecond), time.Second)
	}
	return min(chosen, limit/2)
}

// answerContext bounds the posting of an answer: by the event's deadline, but
// at least by a second, and by ten seconds without a deadline. It also ends
// with ctx.
func answerContext(ctx context.Context, ev *protocol.Event) (context.Context, context.CancelFunc) {
	until := time.Now().Add(time.Second)
	if ev.Deadline.After(until) {
		until = ev.Deadline
	}
	if ev.Deadline.IsZero() {
		until = time.Now().Add(10 * time.Second)
	}
	return context.WithDeadline(ctx, until)
}

// clearUp kills or logs what the last event left behind.
func (s *slot) clearUp() {
	defer s.warnOfZombies()
	if !s.Keep {
		s.killLeftovers(s.Owner)
		return
	}
	left := process.Leftovers(s.Owner)
	for _, pid := range left {
		if !slices.Contains(s.loggedLeftovers, pid) {
			s.Log.Warn("left running", "pid", pid, "name", procfs.Name(pid))
		}
	}
	s.loggedLeftovers = left
}

// warnOfZombies warns once about many zombies that nobody reaps.
func (s *slot) warnOfZombies() {
	if n := process.ManyZombies(); n > 0 {
		s.Log.Warn("process 1 of this sandbox does not reap dead processes: they count against the limit of processes until the instance ends; programs must wait for their children", "zombies", n)
	}
}
