package adapters

import (
	"context"
	"errors"
	"time"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// A resident is a process that stays for many events: a shell that has loaded a
// script, the host of a module, or a worker.
type resident struct {
	process *process.Process
	log     *stderr
	ready   bool          // it has reported that it can serve events
	waited  time.Duration // how long events waited for that until they timed out
}

// A starter waits for a resident of one kind to become ready.
type starter interface {
	// greeting waits for the first answer, and reports whether that is "ready".
	greeting(ctx context.Context) (ready bool, err error)
	// refuse stops the resident, and returns why it is not ready. err is the error
	// of greeting.
	refuse(err error) *protocol.Failure
}

// errNotReady is the cause when the wait for the init command, or for a resident,
// times out.
var errNotReady = errors.New("BOOTSTRAP_START_TIMEOUT has expired")

// awaitReady waits until a resident is ready, and stops it if it cannot be. If the
// event times out first, the resident keeps starting, and the next event waits for
// it: otherwise a resident that starts more slowly than an event may take would
// never be ready.
func (fn *function) awaitReady(ctx context.Context, r *resident, name string, of starter) *protocol.Failure {
	limited, cancel := limitStart(ctx, fn.settings.StartTimeout, r.waited)
	defer cancel()
	began := time.Now()
	ready, err := of.greeting(limited)
	switch {
	case ready:
		r.ready = true
		r.log.Reset() // its log during the start belongs to no event
		return nil
	case err != nil && err == context.Cause(ctx):
		r.waited += time.Since(began)
		return &protocol.Failure{Type: "Runtime.InitError", Message: name + ": " + err.Error(), Stack: failure.Lines(r.log.String())}
	}
	f := of.refuse(err)
	if f.Stack == nil {
		f.Stack = failure.Lines(r.log.String())
	}
	return fn.advise(f)
}

// limitStart limits ctx by what is left of the time for a start; 0: no limit.
func limitStart(ctx context.Context, limit, waited time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, limit-waited, errNotReady)
}

// notReady returns the failure of a start that has taken too long.
func notReady(name string, limit time.Duration) *protocol.Failure {
	return protocol.Failuref("Runtime.StartTimeout", "%s was not ready after %v: raise BOOTSTRAP_START_TIMEOUT, or do less before the first event", name, limit)
}

// restarting returns the failure of an event that did not reach the command because
// a resident was being replaced.
func restarting(ctx context.Context, ev *protocol.Event, err error, what string) error {
	if ctx.Err() == nil {
		return err
	}
	f := failure.Stopped(context.Cause(ctx), ev, "")
	f.Message += " while " + what + " again"
	return f
}
