package local

import (
	"context"
	"time"

	"bootstrap/protocol/emulator"
)

// A slot is an instance of a build of a function. It serves one event at a
// time. After a failure it may start a new process.
type slot struct {
	build  *build
	server *emulator.Server
	runner *emulator.Runner
	log    *instanceLog
	idle   *time.Timer   // stops the instance; stopped while it serves an event
	waited time.Duration // of the present event, in the queue
}

// newSlot makes an instance of a build, which counts as used. Its process starts with the
// first event.
func (f *Function) newSlot(b *build) (*slot, error) {
	if b.broken != nil {
		return nil, &brokenError{b.broken}
	}
	s := b.settings
	function := emulator.Function{
		Name: s.Name, Handler: s.Handler, Dir: b.dir, Env: s.Env, Timeout: s.Timeout, InitLimit: s.InitTimeout,
		MemoryMB: s.MemoryMB, LimitMemory: true, Discard: true, Freeze: f.cloud.options.Freeze, Start: b.start,
	}
	if f.cloud.options.Faults != nil {
		function.Wrap = f.cloud.options.Faults.Wrap(s.Platform)
	}
	server, err := emulator.New(s.Platform, function)
	if err != nil {
		return nil, err
	}
	log, err := newInstanceLog(f.logLine)
	if err != nil {
		server.Close()
		return nil, err
	}
	if f.cloud.options.Watch != nil {
		f.cloud.options.Watch(server.Mark())
	}
	return &slot{build: b, server: server, runner: emulator.NewRunner(server, b.command, log.pipe.File, log.pipe.File), log: log}, nil
}

// A brokenError is why a build has no instances.
type brokenError struct{ fault *Fault }

func (e *brokenError) Error() string { return e.fault.String() }

// invoke serves an event.
func (s *slot) invoke(ctx context.Context, inv *Invocation, call Call) (err error) {
	s.log.begin()
	inv.Outcome, err = s.runner.Invoke(ctx, emulator.Event{ID: inv.ID, Body: call.Body, Header: call.Header})
	inv.Log, inv.Memory = s.log.end(), inv.Outcome.Memory
	inv.Fault = s.build.settings.faultIn(inv.Outcome)
	return err
}

// stop stops the instance as the platform does, or at once after Kill. It kills the
// processes that the instance left running, and returns their names.
func (s *slot) stop(c *Cloud) (killed []string) {
	defer context.AfterFunc(c.running, s.runner.Kill)()
	s.runner.Interrupt()
	return s.close(c)
}

// close waits for the event of the instance, stops it, and frees what it has.
func (s *slot) close(c *Cloud) (killed []string) {
	s.runner.Stop()
	killed = s.runner.Clear()
	s.log.close()
	s.server.Close()
	if c.options.Unwatch != nil {
		c.options.Unwatch(s.server.Mark())
	}
	c.release(s.build)
	return killed
}
