package supervisor

import (
	"cmp"
	"context"
	"errors"
	"time"

	"bootstrap/supervisor/process"

	"golang.org/x/sync/errgroup"
)

// ErrStopping is the cause when an event is cut short because the runtime stops and
// the grace has passed.
var ErrStopping = errors.New("the runtime is stopping")

// A StopError is an ErrStopping with the time by which the event must be
// answered.
type StopError struct{ Until time.Time }

func (e *StopError) Error() string { return ErrStopping.Error() }
func (e *StopError) Unwrap() error { return ErrStopping }

// DefaultStopTimeout is the StopTimeout where none is set.
const DefaultStopTimeout = 10 * time.Second

// stopDeadline returns when StopTimeout is over. The limit is counted from the first
// call, which is made at the latest when Run's ctx ends.
func (s *Supervisor) stopDeadline() time.Time {
	s.stopOnce.Do(func() { s.stopAt = time.Now().Add(s.stopTimeout()) })
	return s.stopAt
}

func (s *Supervisor) stopTimeout() time.Duration { return cmp.Or(s.StopTimeout, DefaultStopTimeout) }

// stopOnEnd begins the stop when ctx ends. It ends answerCtx after seven
// eighths of the time limit of the stop. The rest is for the sidecars and the
// stop command.
func (s *Supervisor) stopOnEnd(ctx context.Context) (release func()) {
	var cancel context.CancelFunc
	s.answerCtx, cancel = context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() {
		left := time.Until(s.stopDeadline())
		time.AfterFunc(left-left/8, cancel)
	})
	return func() { stop(); cancel() }
}

// eventContext returns a context that outlasts ctx by the grace, but by no more than
// half of the time that is left for the stop. The other half is for the answer.
func (s *Supervisor) eventContext(ctx context.Context) (context.Context, func()) {
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		until := s.stopDeadline()
		time.AfterFunc(min(s.Grace, time.Until(until)/2), func() { cancel(&StopError{until}) })
	})
	return working, func() { stop(); cancel(nil) }
}

// stop stops everything that was started, in reverse order, by the stop deadline.
func (s *Supervisor) stop() error {
	err := s.closeAdapters(s.shareOfStop(len(s.Sidecars.List) + 2))
	s.Sidecars.Stop(func(left int) time.Duration { return min(s.Grace, s.shareOfStop(left+1)) }) // the stop command has a share, too
	s.runStopCommand()
	return err
}

func (s *Supervisor) closeAdapters(limit time.Duration) error {
	var group errgroup.Group
	for _, a := range s.started {
		group.Go(func() error { return a.Close(limit) })
	}
	s.started = nil
	return group.Wait()
}

// shareOfStop divides the time until the stop deadline by the number of things
// that must stop.
func (s *Supervisor) shareOfStop(things int) time.Duration {
	return max(0, time.Until(s.stopDeadline())/time.Duration(things))
}

func (s *Supervisor) runStopCommand() {
	if s.StopCommand == nil {
		return
	}
	ctx, cancel := context.WithDeadline(context.Background(), s.stopDeadline())
	defer cancel()
	began := time.Now()
	exit, err := process.Run(ctx, s.StopCommand, 0)
	switch {
	case err != nil:
		s.Log.Error("cannot run the stop command", "error", err)
	case exit.Cause != nil:
		s.Log.Error("the stop command timed out", "ran", time.Since(began).Round(time.Millisecond).String())
	case exit.Status != 0:
		s.Log.Error("the stop command failed", "exit", process.ExitText(exit.Status))
	}
}
