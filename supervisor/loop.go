package supervisor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"bootstrap/protocol"
)

// ErrStopping is why an event is cut short when the runtime is told to stop
// and the event does not end within the grace.
var ErrStopping = errors.New("the runtime was told to stop")

// loop fetches an event, hands it to the adapter, posts one answer, and clears
// up. The end of ctx ends the wait for an event, never an answer.
func (s *Supervisor) loop(ctx context.Context) error {
	working, done := s.working(ctx)
	defer done()
	for ctx.Err() == nil {
		s.prepare()
		ev, err := s.Client.Next(ctx)
		if ev == nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.handle(working, ev)
		s.clearUp()
		if err != nil {
			return err
		}
	}
	return nil
}

// tidyMemory gives back what large events have taken, when the first small one
// is over: the memory of one large event serves the next.
func (s *Supervisor) tidyMemory(moved int) {
	const large = 1 << 20 // bytes, which is rare
	before := s.large
	s.large = moved > large
	if before && !s.large {
		debug.FreeOSMemory()
	}
}

func (s *Supervisor) prepare() {
	if p, ok := s.Adapter.(Preparer); ok {
		p.Prepare()
	}
}

// handle serves one event. Its error ends the runtime.
func (s *Supervisor) handle(ctx context.Context, ev *protocol.Event) error {
	result, err := s.invoke(ctx, ev)
	took := time.Since(ev.Received)
	post, cancel := answerContext(ev)
	defer cancel()
	_, failed := errors.AsType[*protocol.Failure](err)
	switch {
	case err == nil:
		s.delivered(ev, s.respond(post, ev, result))
	case failed:
		s.delivered(ev, s.Client.Fail(post, ev, failure(err, "")))
	default:
		s.delivered(ev, s.Client.Fail(post, ev, failure(err, "Runtime.InternalError")))
		return fmt.Errorf("cannot serve event %s: %w", ev.ID, err)
	}
	s.tidyMemory(len(ev.Body) + len(result))
	if s.Log.IsDebug() { // off the clock, as all of our own log
		s.Log.Debug("served", "request_id", ev.ID, "took", took.Round(time.Microsecond), "bytes", len(result), "error", err, "goroutines", runtime.NumGoroutine())
	}
	return nil
}

// respond posts a result; one that the platform refuses becomes a failure.
func (s *Supervisor) respond(ctx context.Context, ev *protocol.Event, result []byte) error {
	err := s.Client.Respond(ctx, ev, result)
	refusal, ok := errors.AsType[*protocol.StatusError](err)
	if !ok || !refusal.Refused() {
		return err
	}
	f := &protocol.Failure{Type: "Runtime.ResponseRefused"}
	if refusal.Status == 413 {
		f.Type = "Function.ResponseSizeTooLarge"
	}
	f.Message = fmt.Sprintf("the platform refused the result of %d bytes: %v", len(result), refusal)
	return s.Client.Fail(ctx, ev, f)
}

// delivered: an answer that cannot be posted is lost with its event; the next
// event may fare better, and if the platform is gone the poll will tell.
func (s *Supervisor) delivered(ev *protocol.Event, err error) {
	if err != nil {
		s.Log.Error("cannot post the answer", "request_id", ev.ID, "error", err)
	}
}

// invoke runs the adapter with a context that ends some time before the
// event's deadline.
func (s *Supervisor) invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	if !ev.Deadline.IsZero() {
		event, cancel := context.WithDeadline(ctx, ev.Deadline.Add(-margin(ev.Limit(), s.Margin)))
		defer cancel()
		ctx = event
	}
	return s.Adapter.Invoke(ctx, ev)
}

// working is a context that outlasts ctx by the grace.
func (s *Supervisor) working(ctx context.Context) (context.Context, func()) {
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(s.Grace, func() { cancel(ErrStopping) })
	})
	return working, func() { stop(); cancel(nil) }
}

// margin is the time before a deadline in which to end the command and to post
// the failure: the platform would end us and leave no reason. By default a
// tenth of the limit, from 100 ms to 1 s; never more than half of it.
func margin(limit, chosen time.Duration) time.Duration {
	if chosen <= 0 {
		chosen = min(max(limit/10, 100*time.Millisecond), time.Second)
	}
	return min(chosen, limit/2)
}

// answerContext bounds the posting of an answer: by the event's deadline, but
// even late an answer is worth a second, and where there is no deadline ten.
func answerContext(ev *protocol.Event) (context.Context, context.CancelFunc) {
	until := time.Now().Add(time.Second)
	if ev.Deadline.After(until) {
		until = ev.Deadline
	}
	if ev.Deadline.IsZero() {
		until = time.Now().Add(10 * time.Second)
	}
	return context.WithDeadline(context.Background(), until)
}
