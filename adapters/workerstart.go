package adapters

import (
	"cmp"
	"context"
	"io"
	"syscall"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// present sees to it that there is a worker that is ready.
func (w *worker) present(ctx context.Context) error {
	if w.session != nil && w.session.process.Exited() {
		w.end(0)
	}
	if w.session == nil {
		if err := w.pause(ctx); err != nil {
			return err
		}
		if err := w.begin(); err != nil {
			return err
		}
	}
	if w.session.ready {
		return nil
	}
	failure := w.awaitReady(ctx)
	if failure == nil {
		w.failures, w.failed = 0, nil
		return nil
	}
	if ctx.Err() == nil {
		w.failed, w.after = failure, time.Now().Add(pauseAfter(w.failures))
		w.failures++
	}
	return failure
}

// begin starts a worker; it is not ready yet.
func (w *worker) begin() error {
	w.peak = 0
	s := &session{log: w.fn.newStderr()}
	s.inbox.body.max, s.inbox.mask = w.fn.settings.Platform.MaxResult, w.fn.services.Mask
	process, err := process.Start(&process.Command{
		Path:    w.path,
		Args:    w.args,
		Env:     w.fn.services.Environ,
		Dir:     w.fn.settings.Dir,
		Open:    true,
		Keep:    w.fn.settings.Keep,
		Owner:   w.fn.services.Owner,
		Outputs: []io.Writer{w.fn.logged(w.fn.services.Stdout), w.fn.logged(s.log), &s.inbox},
	})
	if err != nil {
		return explain(err)
	}
	s.process, w.session = process, s
	return nil
}

// pauseAfter is how long a worker that cannot start is left alone, after so
// many failures before this one.
func pauseAfter(failures int) time.Duration {
	return min(100*time.Millisecond<<min(failures, 10), 10*time.Second)
}

// pause waits until a worker may be started; where the event has not so long
// it fails at once, as the last start did.
func (w *worker) pause(ctx context.Context) error {
	if until, ok := ctx.Deadline(); ok && until.Before(w.after) {
		return w.failed
	}
	timer := time.NewTimer(time.Until(w.after))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// awaitReady waits for the first frame. On a failure the worker is killed,
// unless it is only ctx that has: else one that needs longer to start than an
// event may take would never be back while there are events.
func (w *worker) awaitReady(ctx context.Context) *protocol.Failure {
	s := w.session
	began := time.Now()
	ready, cancel := w.fn.untilReady(ctx, s.waited)
	defer cancel()
	err := s.await(ready)
	if err == nil && s.inbox.Ready {
		s.ready, s.family = true, s.process.Children()
		s.log.Reset() // what it has logged while it started belongs to no event
		return nil
	}
	if err != nil && err == context.Cause(ctx) { // the event's time is over, not the start's: it goes on
		s.waited += time.Since(began)
		return protocol.Failuref("Runtime.InitError", "%s: %v", w.name, err)
	}
	status := w.end(0)
	failure := w.startFailure(err, s, status)
	if failure.Stack == nil {
		failure.Stack = lines(s.log.String())
	}
	return w.fn.advise(failure)
}

func (w *worker) startFailure(err error, s *session, status syscall.WaitStatus) *protocol.Failure {
	failed := s.inbox.Error
	switch {
	case err == nil && failed != nil:
		return &protocol.Failure{Type: cmp.Or(failed.Type, "Runtime.InitError"), Message: failed.Message, Stack: failed.Stack}
	case err == nil:
		return protocol.Failuref("Function.BadFrame", `%s must say {"ready":true} first, but said %s`, w.name, excerpt(w.fn.services.Mask, s.inbox.line))
	case err == errNotReady:
		return notReady(w.name, w.fn.settings.StartTimeout)
	case err == process.ErrExited:
		return protocol.Failuref("Runtime.UserCodeExit", "%s ended before it was ready: %s", w.name, ending(status, s.log.String()).Message)
	default:
		return protocol.Failuref("Function.BadFrame", "%s: %v", w.name, err)
	}
}

// restarting is why an event has failed before it was handed on: the time in
// which what is resident is replaced is the event's.
func restarting(ctx context.Context, ev *protocol.Event, err error, what string) error {
	if ctx.Err() == nil {
		return err
	}
	failure := cutShort(context.Cause(ctx), ev, nil, "")
	failure.Message += ", as " + what + " again"
	return failure
}

func notReady(what string, limit time.Duration) *protocol.Failure {
	return protocol.Failuref("Runtime.StartTimeout", "%s was not ready after %v: raise BOOTSTRAP_START_TIMEOUT, or do less before the first event", what, limit)
}
