// Package supervisor runs the loop: it hands each event to an adapter, posts
// one answer, and leaves no process behind. It also runs the sidecars.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"
)

// An Adapter hands events to the user's command, one at a time.
type Adapter interface {
	// Start prepares for the first event. It must detect a wrong configuration,
	// so that this is reported as a failed start. If it fails, it must stop what
	// it has started: Close is not called.
	Start(ctx context.Context) error
	// Invoke returns the result of ev. It must return before ev's deadline, or
	// before Until if the cause of ctx is a *StopError. When ctx ends, half of the
	// time that is left is for the command to exit on SIGTERM. The result is valid until the next call. A
	// *protocol.Failure means that the command failed, and the next event may
	// be served. Any other error stops the runtime.
	Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error)
	// Close stops what Start and Invoke have started, within the limit.
	Close(limit time.Duration) error
}

// A Preparer is an Adapter that can prepare for the next event before it is
// polled for. Prepare must not take long.
type Preparer interface{ Prepare() }

// A Settler is an Adapter whose command keeps running between events. Settle logs
// what the command has written since the last event, because that belongs to no
// event.
type Settler interface{ Settle() }

// A Meter is an Adapter that reports the Usage of its last event.
type Meter interface{ Usage() Usage }

// A Usage describes the resources that an event has used, as far as they are known.
type Usage struct {
	Exit string // how the command exited, such as "0" or "signal 9"; empty if it keeps running
	Peak int    // maximum memory in bytes, see Process.Peak; 0: unknown
}

// A Slot serves events, one at a time. All fields must be set.
type Slot struct {
	Client  *protocol.Client
	Adapter Adapter
	Source  *logs.Source  // what its command logs
	Owner   process.Owner // owner of its processes; Anybody if nothing else has an owner
}

// A Supervisor runs one function on one platform.
type Supervisor struct {
	Slots     []Slot              // at least one; the number of events that are served at the same time
	Extension *protocol.Extension // asks the platform to announce a stop; nil if the platform always does, or never

	Sidecars     Sidecars         // run beside the function
	WaitFor      []Address        // must answer before the function is ready
	StartTimeout time.Duration    // bounds the wait for WaitFor, from the beginning of Run; 0: no limit
	StopCommand  *process.Command // runs last in a stop; nil: none

	Margin      time.Duration // how long before an event's deadline its command is stopped; 0: see margin
	Grace       time.Duration // for the current event in a stop, and for each sidecar
	StopTimeout time.Duration // bounds the whole stop; 0: DefaultStopTimeout

	Keep    bool            // what an event leaves behind may run until the stop
	Answer  bool            // after a failed start every event fails with its cause
	InitLog io.Writer       // gets the cause of a failed start, unless Answer is set; nil: nothing does
	Mask    *logs.Mask      // hides secrets in answers, and learns those that come with events
	Secrets []protocol.Fact // headers of an event that hold secrets
	Log     hclog.Logger

	background errgroup.Group
	runCtx     context.Context // ends with Run
	answerCtx  context.Context // ends when answers may no longer be posted
	startedAt  time.Time
	started    []Adapter // to be closed
	stopOnce   sync.Once
	stopAt     time.Time // the stop deadline; set by stopOnce
}

// Run serves events until ctx ends, which is not an error, or until it cannot
// continue. Nothing that it has started outlives it. It may run only once in a
// program, because it adopts and kills all orphans.
func (s *Supervisor) Run(ctx context.Context) error {
	s.prepareSandbox()
	for _, slot := range s.Slots {
		slot.Client.Grace = s.stopTimeout() / 4
	}
	defer s.stopOnEnd(ctx)()
	var stop context.CancelFunc
	s.runCtx, stop = context.WithCancel(context.WithoutCancel(ctx))
	s.background.Go(func() error { return process.Reap(s.runCtx) })
	err := s.serve(ctx)
	s.killLeftovers(process.Anybody)
	stop()
	return errors.Join(err, s.background.Wait())
}

// prepareSandbox logs what this sandbox lacks, and kills the leftovers of a
// killed bootstrap.
func (s *Supervisor) prepareSandbox() {
	if missing, instead := process.Explore().Missing(); missing != "" {
		s.Log.Warn("this sandbox restricts the runtime", "missing", missing, "instead", instead)
	}
	if killed := process.KillStale(); len(killed) > 0 {
		s.Log.Warn("killed processes that an earlier run of bootstrap left behind", "pids", killed)
	}
}

// serve starts everything, serves events, and stops everything.
func (s *Supervisor) serve(ctx context.Context) error {
	polling, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer s.closeClients()
	s.startedAt = time.Now()
	err := s.start(polling, end)
	switch {
	case ctx.Err() != nil: // a stop during the start is not a failed start
		err = nil
	case err != nil && s.Answer:
		err = s.answerWithFailure(ctx, err)
	case err != nil:
		err = s.reportFailedStart(err)
	default:
		err = s.serveEvents(ctx, polling)
	}
	return errors.Join(err, s.stop())
}

// serveEvents reports ready and serves events in all slots until polling ends.
// When a slot fails, the others answer their current event and return. The end
// of ctx is not an error.
func (s *Supervisor) serveEvents(ctx, polling context.Context) error {
	if err := s.ready(polling); err != nil {
		return err
	}
	working, done := s.eventContext(ctx)
	defer done()
	group, polling := errgroup.WithContext(polling)
	for _, slot := range s.Slots {
		group.Go(func() error { return newSlotLoop(s, slot).run(polling, working) })
	}
	err := group.Wait()
	if err == nil && ctx.Err() == nil {
		return context.Cause(polling)
	}
	return err
}

// ready reports ready where the platform expects that.
func (s *Supervisor) ready(ctx context.Context) error {
	err := s.Slots[0].Client.Ready(ctx)
	switch {
	case ctx.Err() != nil: // the loop handles the stop
		return nil
	case err != nil:
		return fmt.Errorf("cannot report ready: %w", err)
	}
	s.Log.Info("ready", "took", time.Since(s.startedAt).Round(time.Microsecond).String())
	return nil
}

// A FatalError fails the current event and stops the runtime, so that the
// platform starts a new instance.
type FatalError struct{ Failure *protocol.Failure }

func (e *FatalError) Error() string { return e.Failure.Error() }

// failure returns the *protocol.Failure in err, or makes one with the type
// fallback.
func failure(err error, fallback string) *protocol.Failure {
	if f, ok := errors.AsType[*protocol.Failure](err); ok {
		return f
	}
	if fatal, ok := errors.AsType[*FatalError](err); ok {
		return fatal.Failure
	}
	return &protocol.Failure{Type: fallback, Message: err.Error()}
}

func (s *Supervisor) closeClients() {
	for _, slot := range s.Slots {
		slot.Client.Close()
	}
}

func (s *Supervisor) killLeftovers(of process.Owner) {
	if left := process.KillLeftovers(of, time.Second); len(left) > 0 {
		s.Log.Warn("cannot kill leftovers", "pids", left)
	}
}

// masked returns f without secrets.
func masked(m *logs.Mask, f *protocol.Failure) *protocol.Failure {
	hidden := &protocol.Failure{Type: m.Hide(f.Type), Message: m.Hide(f.Message)}
	for _, line := range f.Stack {
		hidden.Stack = append(hidden.Stack, m.Hide(line))
	}
	return hidden
}
