package supervisor

import (
	"bootstrap/supervisor/process"
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// ErrStopping is why an event is cut short when the runtime is told to stop
// and the event does not end within the grace.
var ErrStopping = errors.New("the runtime was told to stop")

// A StopError is ErrStopping, and by when the event must have its answer.
type StopError struct{ Until time.Time }

func (e *StopError) Error() string { return ErrStopping.Error() }
func (e *StopError) Unwrap() error { return ErrStopping }

// DefaultStopLimit is a StopLimit where none is set.
const DefaultStopLimit = 10 * time.Second

// stopDeadline is when StopLimit is over. It begins when we are told to stop, or else
// when this is first asked.
func (s *Supervisor) stopDeadline() time.Time {
	s.stopOnce.Do(func() { s.stopAt = time.Now().Add(s.stopLimit()) })
	return s.stopAt
}

func (s *Supervisor) stopLimit() time.Duration { return cmp.Or(s.StopLimit, DefaultStopLimit) }

// stopOnEnd begins the stop when ctx ends, whatever goes on then, and ends
// the posting of answers when most of its time is over: the rest is for all else.
func (s *Supervisor) stopOnEnd(ctx context.Context) (release func()) {
	var cancel context.CancelFunc
	s.answerCtx, cancel = context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() {
		left := time.Until(s.stopDeadline())
		time.AfterFunc(left-left/8, cancel)
	})
	return func() { stop(); cancel() }
}

// eventContext is a context that outlasts ctx by the grace, or by half of what is
// left for all of the stop: the rest is for the answer.
func (s *Supervisor) eventContext(ctx context.Context) (context.Context, func()) {
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		until := s.stopDeadline()
		time.AfterFunc(min(s.Grace, time.Until(until)/2), func() { cancel(&StopError{until}) })
	})
	return working, func() { stop(); cancel(nil) }
}

// stop ends all that was started, in reverse, by the time of stopBy.
func (s *Supervisor) stop() error {
	err := s.closeAdapters(s.shareOfStop(len(s.Sidecars.List) + 2))
	s.Sidecars.Stop(func(left int) time.Duration { return min(s.Grace, s.shareOfStop(left+1)) }) // and the command
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

// shareOfStop is what is left for one of so many things that must end by stopBy.
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
		s.Log.Error("the stop command was ended, as the time for the stop is over", "ran", time.Since(began).Round(time.Millisecond).String())
	case exit.Status != 0:
		s.Log.Error("the stop command failed", "exit", process.ExitText(exit.Status))
	}
}
