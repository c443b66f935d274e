package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor/process"

	"golang.org/x/sync/errgroup"
)

// initErrorTimeout bounds the report and the cleanup of a failed start.
const initErrorTimeout = 3 * time.Second

// start starts the sidecars, waits for the addresses of WaitFor, and starts the
// adapters. It calls end, at any time, when the exit of a sidecar must stop the
// runtime. The caller must stop what was started, also after an error.
func (s *Supervisor) start(ctx context.Context, end context.CancelCauseFunc) error {
	if err := process.Usable(); err != nil {
		return err
	}
	awaitRegistration := s.register(ctx)
	defer awaitRegistration()
	err := s.startSidecars(ctx, end)
	if err == nil {
		err = s.startAdapters(ctx)
	}
	if ctx.Err() != nil { // the start failed because ctx ended
		return context.Cause(ctx)
	}
	return err
}

// register asks the platform to announce when it stops us. That must happen
// before the first poll, and the registration lasts until Run returns. An old
// platform or an emulator may refuse: then it kills us without notice. await returns when the
// platform has answered.
func (s *Supervisor) register(ctx context.Context) (await func()) {
	if s.Extension == nil {
		return func() {}
	}
	done := make(chan struct{})
	s.background.Go(func() error { // ends with Run
		defer s.Extension.Close()
		err := s.Extension.Register(ctx)
		close(done)
		if err == nil {
			err = s.Extension.Wait(s.runCtx)
		}
		if s.runCtx.Err() == nil {
			s.Log.Debug("the platform will not announce a stop", "error", err)
		}
		return nil
	})
	return func() { <-done }
}

// startSidecars starts the sidecars and returns when all addresses of WaitFor
// answer.
func (s *Supervisor) startSidecars(ctx context.Context, end context.CancelCauseFunc) error {
	if err := s.Sidecars.Start(end); err != nil {
		return sidecarNotReady(err.Error())
	}
	if s.StartTimeout > 0 {
		limited, cancel := context.WithDeadlineCause(ctx, s.startedAt.Add(s.StartTimeout), fmt.Errorf("BOOTSTRAP_START_TIMEOUT of %v has expired: raise it if the start needs more time", s.StartTimeout))
		defer cancel()
		ctx = limited
	}
	if err := WaitFor(ctx, s.WaitFor, s.Log); err != nil {
		return sidecarNotReady(strings.TrimSuffix(err.Error()+"; "+s.Sidecars.Status(), "; "))
	}
	return nil
}

func sidecarNotReady(why string) error {
	return &protocol.Failure{Type: "Runtime.SidecarNotReady", Message: why}
}

// startAdapters starts all adapters at once.
func (s *Supervisor) startAdapters(ctx context.Context) error {
	var group errgroup.Group
	var mu sync.Mutex
	for _, slot := range s.Slots {
		group.Go(func() error {
			err := slot.Adapter.Start(ctx)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				s.started = append(s.started, slot.Adapter)
			}
			return err
		})
	}
	return group.Wait()
}

// reportFailedStart reports the cause of a failed start to the platform if it has a
// call for that, and to InitLog. It returns the cause.
func (s *Supervisor) reportFailedStart(cause error) error {
	report, cancel := context.WithTimeout(s.answerCtx, initErrorTimeout)
	defer cancel()
	f := masked(s.Mask, failure(cause, "Runtime.InitError"))
	if err := s.Slots[0].Client.FailInit(report, f); err != nil {
		s.Log.Warn("cannot report the failed start", "error", err)
	}
	if s.InitLog != nil {
		fmt.Fprintf(s.InitLog, "cannot start: %s\n", f.Error())
	}
	return &startError{f, cause}
}

// A startError says why the start failed, without secrets.
type startError struct {
	failure *protocol.Failure
	cause   error
}

func (e *startError) Error() string { return "cannot start: " + e.failure.Error() }

func (e *startError) Unwrap() error { return e.cause }

// answerWithFailure answers each event with the cause of the failed start.
func (s *Supervisor) answerWithFailure(ctx context.Context, cause error) error {
	f := masked(s.Mask, failure(cause, "Runtime.InitError"))
	s.Log.Error("cannot start: every event fails with this error", "error", f)
	err := s.closeAdapters(initErrorTimeout)
	for i := range s.Slots {
		s.Slots[i].Adapter = failingAdapter{f}
	}
	return errors.Join(err, s.serveEvents(ctx, ctx))
}

// A failingAdapter fails each event with the same failure.
type failingAdapter struct{ *protocol.Failure }

func (failingAdapter) Start(context.Context) error { return nil }
func (failingAdapter) Close(time.Duration) error   { return nil }

func (b failingAdapter) Invoke(context.Context, *protocol.Event) ([]byte, error) {
	return nil, b.Failure
}
