//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"bootstrap/cmd/bootstrapctl/internal/screen"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A session is one run of the function: it sends events and then stops the runtime.
type session struct {
	*invocation
	platform *protocol.Platform
	screen   *screen.Screen
	log      *screen.Log
	server   *emulator.Server
	runner   *emulator.Runner
	lifeline *lifeline
	tally    screen.Tally
	event    []byte

	interrupted bool        // by a signal
	killed      atomic.Bool // by a second signal
}

// serve runs a session to its end.
func (s *session) serve(ctx context.Context, command []string) (status int, err error) {
	if s.log, err = s.screen.NewLog(); err != nil {
		return exitFailure, fmt.Errorf("cannot read the log: %w", err)
	}
	defer s.log.Close()
	if s.lifeline, err = holdLifeline(); err != nil {
		return exitFailure, err
	}
	defer s.lifeline.release()
	s.lifeline.watch(s.server.Mark())
	s.runner = emulator.NewRunner(s.server, command, s.log.File, s.log.File)
	over, obeyed := make(chan struct{}), make(chan struct{})
	go func() { // ends with the session
		defer close(obeyed)
		s.obey(ctx, over)
	}()
	status, err = s.sendAll(ctx)
	if ctx.Err() != nil {
		<-obeyed // obey stops the runtime
		s.interrupted, status = true, exitInterrupted
	}
	s.stop()
	close(over)
	<-obeyed
	return status, err
}

// obey stops the runtime at the first signal, as the platform does, and kills it at
// the second. It returns when the runtime has exited, or when over is closed.
func (s *session) obey(ctx context.Context, over <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-over:
		return
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, stopSignals...)
	defer signal.Stop(again)
	s.screen.Note("stopping the runtime as the platform does; Ctrl-C again kills it")
	stopped := make(chan struct{})
	go func() { // ends when the runtime has exited
		defer close(stopped)
		s.runner.Interrupt()
	}()
	select {
	case <-stopped:
	case <-again:
		s.screen.Note("killing the runtime")
		s.killed.Store(true)
		s.runner.Kill()
		<-stopped
	}
}

// stop stops the runtime, and warns if it did not exit in time or left processes
// running.
func (s *session) stop() {
	asked := (s.interrupted || s.runner.PID() != 0) &&
		(s.platform.Register == "" || s.server.Stats().Extensions > 0) // otherwise the platform sends no SIGTERM
	state := s.runner.Stop()
	killed := append(s.runner.Clear(), s.lifeline.clearAdopted()...)
	s.log.Flush()
	if asked && isKilled(state) && !s.killed.Load() {
		s.screen.Warn("killed the runtime, as the platform would: it did not exit in time after SIGTERM")
	}
	if len(killed) > 0 {
		s.screen.Warn("killed what the runtime had left running, as the platform would: %s", strings.Join(killed, ", "))
	}
}

func isKilled(state *os.ProcessState) bool {
	return state != nil && state.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// sendAll sends the events and shows their outcomes in order. After a signal it
// sends no more events.
func (s *session) sendAll(ctx context.Context) (status int, err error) {
	send, end := s.sender(ctx)
	defer end()
	var sent []<-chan invoked // oldest first
	for n := range s.repeat {
		for len(sent) < min(s.concurrency, s.repeat-n) && (ctx.Err() == nil || len(sent) == 0) {
			sent = append(sent, send())
		}
		got := <-sent[0]
		sent = sent[1:]
		if errors.Is(got.err, emulator.ErrInterrupted) {
			break
		}
		if got.err == nil {
			got.err = s.show(got.Outcome)
		}
		if got.err != nil {
			return exitFailure, got.err
		}
		if got.Kind != emulator.Result {
			status = exitFailure
		}
	}
	if s.repeat > 1 {
		s.tally.Show(s.screen, s.runner.PeakMemory())
	}
	return status, nil
}

// show shows the lines that were logged before the answer, then the outcome.
func (s *session) show(out emulator.Outcome) (err error) {
	s.log.Flush()
	if s.repeat > 1 {
		s.tally.Add(s.screen, s.log, out)
	} else {
		s.screen.Outcome(s.log, out, s.runner.PeakMemory())
	}
	if out.Kind == emulator.Result {
		err = s.screen.Result(out.Body)
	}
	if err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	return nil
}

// An invoked is the outcome of an event, or our own error.
type invoked struct {
	emulator.Outcome
	err error
}

// sender returns send, which sends the event and does not wait for its outcome, and
// end, which waits for all outcomes. The end of ctx does not end the events: obey
// stops the runtime, which may still answer.
func (s *session) sender(ctx context.Context) (send func() <-chan invoked, end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	send = func() <-chan invoked {
		done := make(chan invoked, 1)
		running.Go(func() {
			outcome, err := s.runner.Invoke(ctx, emulator.Event{Body: s.event})
			done <- invoked{outcome, err}
		})
		return done
	}
	return send, func() { cancel(); running.Wait() }
}
