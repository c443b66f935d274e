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

// A slotLoop serves the events of one slot.
type slotLoop struct {
	supervisor *Supervisor
	slot       Slot

	// Optional methods of the adapter.
	prepare, settle func()       // do nothing if the adapter lacks them
	usage           func() Usage // nil if the adapter is not a Meter

	large           bool  // the last event or its result was large
	loggedLeftovers []int // pids of leftovers that are in the log already
}

func newSlotLoop(s *Supervisor, slot Slot) *slotLoop {
	l := &slotLoop{supervisor: s, slot: slot, prepare: func() {}, settle: func() {}}
	if a, ok := slot.Adapter.(Preparer); ok {
		l.prepare = a.Prepare
	}
	if a, ok := slot.Adapter.(Settler); ok {
		l.settle = a.Settle
	}
	if a, ok := slot.Adapter.(Meter); ok {
		l.usage = a.Usage
	}
	return l
}

// run fetches an event, hands it to the adapter, posts one answer, and cleans
// up, until ctx ends. The end of ctx stops the poll, never an answer.
func (l *slotLoop) run(ctx, working context.Context) error {
	for ctx.Err() == nil {
		l.prepare()
		polled := time.Now()
		ev, err := l.slot.Client.Next(ctx)
		if ev == nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		err = l.handle(working, ev, ev.Received.Sub(polled))
		l.clearUp()
		if err != nil {
			return err
		}
	}
	return nil
}

// handle serves one event. waited is how long the poll has taken. An error
// stops the runtime.
func (l *slotLoop) handle(ctx context.Context, ev *protocol.Event, waited time.Duration) error {
	defer l.maskSecrets(ev)()
	result, err := l.invoke(ctx, ev)
	took := time.Since(ev.Received)
	post, cancel := answerContext(l.supervisor.answerCtx, ev)
	defer cancel()
	if err == nil {
		err = l.respond(post, ev, result)
	}
	if err != nil {
		l.logUndelivered(ev, l.slot.Client.Fail(post, ev, masked(l.supervisor.Mask, failure(err, "Runtime.InternalError"))))
	}
	l.freeMemory(len(ev.Body) + len(result))
	l.report(ev, waited, took, len(result), err)
	if _, failed := errors.AsType[*protocol.Failure](err); err != nil && !failed {
		return fmt.Errorf("cannot serve event %s: %w", ev.ID, err)
	}
	return nil
}

// maskSecrets masks the secrets that come with the event, until done is called.
func (l *slotLoop) maskSecrets(ev *protocol.Event) (done func()) {
	if len(l.supervisor.Secrets) == 0 {
		return func() {}
	}
	var values []string
	for _, secret := range l.supervisor.Secrets {
		values = append(values, ev.Header.Get(secret.Header))
	}
	return l.supervisor.Mask.LearnPassing(values...)
}

// freeMemory returns memory to the system after the first small event that
// follows large ones, so that large events in a row reuse it.
func (l *slotLoop) freeMemory(moved int) {
	before := l.large
	l.large = moved > protocol.LargeBody
	if before && !l.large {
		debug.FreeOSMemory()
	}
}

// respond posts a result. It returns a *protocol.Failure if the platform
// refuses it.
func (l *slotLoop) respond(ctx context.Context, ev *protocol.Event, result []byte) error {
	err := l.slot.Client.Respond(ctx, ev, result)
	refusal, ok := errors.AsType[*protocol.StatusError](err)
	if !ok || !refusal.Refused() {
		l.logUndelivered(ev, err)
		return nil
	}
	f := &protocol.Failure{Type: "Runtime.ResponseRefused"}
	if refusal.Status == 413 {
		f.Type = "Function.ResponseSizeTooLarge"
	}
	f.Message = fmt.Sprintf("the platform refused the result of %d bytes: %v", len(result), refusal)
	return f
}

// logUndelivered logs an answer that could not be posted. The loop continues: the
// next event may succeed, and if the platform is unreachable the poll fails.
func (l *slotLoop) logUndelivered(ev *protocol.Event, err error) {
	if err != nil {
		l.supervisor.Log.Error("cannot post the answer", "request_id", ev.ID, "error", err)
	}
}

// invoke runs the adapter with a context that ends some time before the event's
// deadline. Everything logged meanwhile belongs to the event.
func (l *slotLoop) invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	var until time.Time
	if !ev.Deadline.IsZero() {
		until = ev.Deadline.Add(-margin(ev.Limit(), l.supervisor.Margin))
		event, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		ctx = event
	}
	l.settle()
	l.slot.Source.Begin(ev.ID, until)
	defer l.slot.Source.Flush()
	if err := process.Exhausted(); err != nil {
		return nil, &FatalError{&protocol.Failure{Type: "Runtime.TooManyProcesses", Message: err.Error()}}
	}
	return l.slot.Adapter.Invoke(ctx, ev)
}

// margin returns how long before its deadline an event is stopped, so that the failure
// is posted before the platform kills the runtime. The default
// is a tenth of the limit, from 100 ms to 1 s. The maximum is half of the limit.
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
func (l *slotLoop) clearUp() {
	defer l.warnOfZombies()
	if !l.supervisor.Keep {
		l.supervisor.killLeftovers(l.slot.Owner)
		return
	}
	left := process.Leftovers(l.slot.Owner)
	for _, pid := range left {
		if !slices.Contains(l.loggedLeftovers, pid) {
			l.supervisor.Log.Warn("an event left a process running", "pid", pid, "name", procfs.Name(pid))
		}
	}
	l.loggedLeftovers = left
}

// warnOfZombies warns once about many zombies that nobody reaps.
func (l *slotLoop) warnOfZombies() {
	if n := process.ManyZombies(); n > 0 {
		l.supervisor.Log.Warn("process 1 of this sandbox does not reap dead processes: zombies count against the process limit until the instance ends; programs must wait for their children", "zombies", n)
	}
}
