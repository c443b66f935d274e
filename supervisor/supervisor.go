// Package supervisor owns the processes and the loop: it hands each event to
// an adapter and sees to it that one answer is posted and nothing is left.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bootstrap/protocol"

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
	// Close ends what Start began.
	Close() error
}

// A Preparer is an Adapter that can ready itself for the next event: off the
// clock, as no event is in hand. It must not take long.
type Preparer interface{ Prepare() }

// A Supervisor runs one function on one platform.
type Supervisor struct {
	Client  *protocol.Client
	Adapter Adapter
	Margin  time.Duration // before an event's deadline its command is ended; 0: by the limit, see margin
	Grace   time.Duration // for the event in hand, once we are told to stop
	Keep    bool          // let live on, until we stop, what an event leaves behind
	Log     hclog.Logger

	large bool  // the last event was, or its result
	kept  []int // of what was left behind, all that the log has told of
}

// initErrorTime is how long a failed start may take to report.
const initErrorTime = 3 * time.Second

// Run serves events until ctx ends, which is no error, or until it cannot go
// on. All that it started is over when it returns. It may run once in a
// process, as it adopts and ends all orphans.
func (s *Supervisor) Run(ctx context.Context) error {
	if err := becomeSubreaper(); err != nil {
		return fmt.Errorf("cannot adopt orphans: %w", err)
	}
	reaping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return runReaper(reaping) })
	err := s.serve(ctx)
	s.endOrphans()
	stop()
	return errors.Join(err, group.Wait())
}

// serve closes the adapter if it has started it.
func (s *Supervisor) serve(ctx context.Context) error {
	defer s.Client.Close()
	began := time.Now()
	if err := s.Adapter.Start(ctx); err != nil {
		return s.notStarted(ctx, err)
	}
	err := s.ready(ctx, began)
	if err == nil {
		err = s.loop(ctx)
	}
	return errors.Join(err, s.Adapter.Close())
}

// notStarted: where the platform takes the reason of a failed start it gets
// it; elsewhere the log has it. Being told to stop meanwhile is no failure.
func (s *Supervisor) notStarted(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return nil
	}
	report, cancel := context.WithTimeout(context.Background(), initErrorTime)
	defer cancel()
	if err := s.Client.FailInit(report, failure(cause, "Runtime.InitError")); err != nil {
		s.Log.Warn("cannot report the failed start", "error", err)
	}
	return fmt.Errorf("cannot start: %w", cause)
}

// ready says that everything is, where the platform wants to know.
func (s *Supervisor) ready(ctx context.Context, began time.Time) error {
	err := s.Client.Ready(ctx)
	switch {
	case ctx.Err() != nil: // told to stop, which the loop sees
		return nil
	case err != nil:
		return fmt.Errorf("cannot report ready: %w", err)
	}
	s.Log.Info("ready", "took", time.Since(began).Round(time.Microsecond))
	return nil
}

// failure is the *protocol.Failure in err, or one that stands for it.
func failure(err error, fallback string) *protocol.Failure {
	if f, ok := errors.AsType[*protocol.Failure](err); ok {
		return f
	}
	return &protocol.Failure{Type: fallback, Message: err.Error()}
}

// clearUp deals with what the last event left behind.
func (s *Supervisor) clearUp() {
	if !s.Keep {
		s.endOrphans()
		return
	}
	left := children.orphans()
	for _, pid := range left {
		if !slices.Contains(s.kept, pid) {
			s.Log.Warn("left running", "pid", pid, "name", nameOf(pid))
		}
	}
	s.kept = left
}

func (s *Supervisor) endOrphans() {
	if left := children.endOrphans(time.Second); len(left) > 0 {
		s.Log.Warn("processes of the command cannot be ended", "pids", left)
	}
}
