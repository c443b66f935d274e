package adapters

import (
	"cmp"
	"context"
	"io"
	"time"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// ensureReady returns when there is a worker that is ready.
func (w *worker) ensureReady(ctx context.Context) error {
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
	failed := w.fn.awaitReady(ctx, &w.session.resident, w.name, w)
	if failed == nil {
		w.failures, w.startFailure = 0, nil
		return nil
	}
	if ctx.Err() == nil {
		w.startFailure, w.nextStart = failed, time.Now().Add(startBackoff.Pause(w.failures))
		w.failures++
	}
	return failed
}

// begin starts a worker, which is not ready yet.
func (w *worker) begin() error {
	w.peak = 0
	s := &session{resident: resident{log: w.fn.newStderr()}}
	s.inbox.body.max, s.inbox.mask = w.fn.settings.Platform.MaxResult, w.fn.services.Mask
	process, err := process.Start(&process.Command{
		Path:    w.path,
		Args:    w.args,
		Env:     w.fn.services.Environ,
		Dir:     w.fn.settings.Dir,
		Open:    true,
		Keep:    w.fn.settings.Keep,
		Owner:   w.fn.services.Owner,
		Outputs: []io.Writer{w.fn.logOutput(w.fn.services.Stdout), w.fn.logOutput(s.log), &s.inbox},
	})
	if err != nil {
		return failure.OfStart(err)
	}
	s.process, w.session = process, s
	return nil
}

// startBackoff sets the pauses between starts that fail.
var startBackoff = protocol.Backoff{Shortest: 100 * time.Millisecond, Longest: 10 * time.Second}

// pause waits until a worker may be started. An event that would time out first
// fails at once, with the failure of the last start.
func (w *worker) pause(ctx context.Context) error {
	if until, ok := ctx.Deadline(); ok && until.Before(w.nextStart) {
		return w.startFailure
	}
	if !protocol.Sleep(ctx, time.Until(w.nextStart)) {
		return context.Cause(ctx)
	}
	return nil
}

func (w *worker) greeting(ctx context.Context) (ready bool, err error) {
	s := w.session
	if err := s.await(ctx); err != nil || !s.inbox.Ready {
		return false, err
	}
	s.children = s.process.Children()
	if w.sharesFlags {
		s.flags = s.process.Flags()
	}
	return true, nil
}

// refuse stops the worker, and returns why it is not ready.
func (w *worker) refuse(err error) *protocol.Failure {
	s := w.session
	status := w.end(0)
	failed := s.inbox.Error
	switch {
	case err == nil && failed != nil:
		return &protocol.Failure{Type: cmp.Or(failed.Type, "Runtime.InitError"), Message: failed.Message, Stack: failed.Stack}
	case err == nil:
		return protocol.Failuref("Function.BadFrame", `%s must write {"ready":true} first, but wrote %s`, w.name, excerpt(w.fn.services.Mask, s.inbox.line))
	case err == errNotReady:
		return notReady(w.name, w.fn.settings.StartTimeout)
	case err == process.ErrExited:
		f := protocol.Failuref("Runtime.UserCodeExit", "%s exited before it was ready: %s", w.name, failure.OfResident(status, s.log.String()).Message)
		failure.AddUnreadable(f, w.path)
		return f
	default:
		return protocol.Failuref("Function.BadFrame", "%s: %v", w.name, err)
	}
}
