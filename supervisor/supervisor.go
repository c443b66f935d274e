// Package supervisor owns the processes and the loop: it hands each event to
// an adapter and sees to it that one answer is posted and nothing is left.
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
	// Start prepares for the first event. A wrong configuration must show
	// here, where it can be reported as a failed start.
	Start(ctx context.Context) error
	// Invoke returns the result of ev. When ctx ends it has until halfway
	// from then to ev's deadline to end the command gently, and must return
	// before the deadline. The result is valid until the next call. A
	// *protocol.Failure means that the command failed and the next event
	// may be served; any other error ends the runtime.
	Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error)
	// Close ends what Start began, gently where that takes no longer than
	// the limit.
	Close(limit time.Duration) error
}

// A Preparer is an Adapter that can ready itself for the next event: off the
// clock, as no event is in hand. It must not take long.
type Preparer interface{ Prepare() }

// A Settler is an Adapter whose command lives on between events. Settle passes
// on what that has logged since the last one, as it belongs to none.
type Settler interface{ Settle() }

// A Meter is an Adapter that knows what its last event has taken.
type Meter interface{ Usage() Usage }

// A Usage is what an event has taken, as far as that is known.
type Usage struct {
	Exit string // how the command ended, such as "0" or "signal 9"; empty: it lives on
	Peak int    // the most memory in use, in bytes; see Process.Peak; 0: not known
}

// A Slot serves events, one at a time. All of its fields must be set.
type Slot struct {
	Client  *protocol.Client
	Adapter Adapter
	Source  *logs.Source  // of what its command logs
	Owner   process.Owner // of its processes; Anybody: there is nobody else
}

// A Supervisor runs one function on one platform.
type Supervisor struct {
	Slots     []Slot              // at least one; as many events can be in hand at the same time
	Extension *protocol.Extension // tells the platform that we want to know when it stops us; nil: it does anyway, or never

	Sidecars     Sidecars         // run beside the function
	WaitFor      []Address        // must answer before we are ready
	StartTimeout time.Duration    // until they do, from the beginning of Run; 0: no limit
	StopCommand  *process.Command // runs when all else has ended; nil: none

	Margin    time.Duration // before an event's deadline its command is ended; 0: by the limit, see margin
	Grace     time.Duration // for the event in hand, once we are told to stop, and for each sidecar
	StopLimit time.Duration // of all that is done once we are told to stop; 0: UsualStopLimit

	Keep    bool            // let live on, until we stop, what an event leaves behind
	Answer  bool            // a failed start is the answer to each event
	InitLog io.Writer       // gets the reason of a failed start where the platform does not take it; nil: nobody does
	Mask    *logs.Mask      // hides secrets in what is posted, and learns those that come with events
	Secrets []protocol.Fact // headers of an event that hold secrets
	Log     hclog.Logger

	background errgroup.Group
	runCtx     context.Context // ends with Run
	answerCtx  context.Context // ends when there is no more time to post answers
	startedAt  time.Time
	started    []Adapter // to be closed
	stopOnce   sync.Once
	stopAt     time.Time // when StopLimit is over, once that has begun
}

// Run serves events until ctx ends, which is no error, or until it cannot go
// on. All that it started is over when it returns. It may run once in a
// process, as it adopts and ends all orphans.
func (s *Supervisor) Run(ctx context.Context) error {
	s.exploreSandbox()
	for _, slot := range s.Slots {
		slot.Client.Grace = s.stopLimit() / 4
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

// exploreSandbox says what this sandbox lacks, and kills what a bootstrap left behind
// that was killed here before.
func (s *Supervisor) exploreSandbox() {
	if missing, instead := process.Explore().Missing(); missing != "" {
		s.Log.Warn("this sandbox lacks abilities", "missing", missing, "instead", instead)
	}
	if killed := process.KillStale(); len(killed) > 0 {
		s.Log.Warn("killed what an earlier run of bootstrap left behind", "pids", killed)
	}
}

// serve starts all, serves events, and stops all.
func (s *Supervisor) serve(ctx context.Context) error {
	polling, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer s.closeClients()
	s.startedAt = time.Now()
	err := s.start(polling, end)
	switch {
	case ctx.Err() != nil: // told to stop, which is no failure of the start
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

// serveEvents reports ready and serves events in all slots until polling ends, or one
// of them cannot go on; the others then answer the event that they have. It is
// no error that ctx has ended.
func (s *Supervisor) serveEvents(ctx, polling context.Context) error {
	if err := s.ready(polling); err != nil {
		return err
	}
	working, done := s.eventContext(ctx)
	defer done()
	group, polling := errgroup.WithContext(polling)
	for _, each := range s.Slots {
		group.Go(func() error { return (&slot{Supervisor: s, Slot: each}).loop(polling, working) })
	}
	err := group.Wait()
	if err == nil && ctx.Err() == nil {
		return context.Cause(polling)
	}
	return err
}

// ready says that everything is, where the platform wants to know.
func (s *Supervisor) ready(ctx context.Context) error {
	err := s.Slots[0].Client.Ready(ctx)
	switch {
	case ctx.Err() != nil: // told to stop, which the loop sees
		return nil
	case err != nil:
		return fmt.Errorf("cannot report ready: %w", err)
	}
	s.Log.Info("ready", "took", time.Since(s.startedAt).Round(time.Microsecond).String())
	return nil
}

// A FatalError fails the event in hand and ends the runtime, so that the
// platform starts a fresh instance.
type FatalError struct{ Failure *protocol.Failure }

func (e *FatalError) Error() string { return e.Failure.Error() }

// failure is the *protocol.Failure in err, or one that stands for it.
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
		s.Log.Warn("processes of the command cannot be ended", "pids", left)
	}
}

// masked is f without secrets.
func masked(m *logs.Mask, f *protocol.Failure) *protocol.Failure {
	hidden := &protocol.Failure{Type: m.Hide(f.Type), Message: m.Hide(f.Message)}
	for _, line := range f.Stack {
		hidden.Stack = append(hidden.Stack, m.Hide(line))
	}
	return hidden
}
