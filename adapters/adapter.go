// Package adapters turns an event into a result by running the user's command.
package adapters

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// New returns the adapter that serves events with these settings. Start finds out
// how the command runs, and whether it can.
func New(s Settings, with Services) supervisor.Adapter {
	return &adapter{fn: newFunction(s, with)}
}

// An adapter does what all ways to run a command need, and chooses one of them.
type adapter struct {
	fn  *function
	way way // set by Start
}

// A way is one way to run commands: a program for each event, a resident shell, or
// a worker.
type way interface {
	supervisor.Adapter
	supervisor.Preparer
	supervisor.Settler
	supervisor.Meter
	// stopIfDue stops a resident program that must not serve another event.
	stopIfDue()
}

func (a *adapter) Start(ctx context.Context) error {
	a.fn.memory.Open()
	err := a.start(ctx)
	if err != nil {
		a.fn.memory.Close()
		a.fn.services.Temp.Close()
	}
	return failure.WithoutEscapes(err)
}

func (a *adapter) start(ctx context.Context) error {
	vars, err := a.fn.services.Init.run(ctx, a.fn)
	if err != nil {
		return err
	}
	a.fn.services.adopt(vars)
	target, err := command.Resolve(a.fn.settings.Command, a.fn.settings.Handler, a.fn.settings.Dir)
	if err != nil {
		return err
	}
	if a.way, err = a.choose(target); err != nil {
		return err
	}
	return a.way.Start(ctx)
}

func (a *adapter) Close(limit time.Duration) error {
	defer a.fn.memory.Close()
	defer a.fn.services.Temp.Close()
	err := a.way.Close(limit)
	a.removeTemp()
	return err
}

func (a *adapter) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	if err := a.fn.temp.make(); err != nil {
		return nil, err
	}
	result, err := a.way.Invoke(ctx, ev)
	return result, failure.WithoutEscapes(err)
}

// choose returns the way to run the target.
func (a *adapter) choose(t command.Target) (way, error) {
	if t.Function != "" {
		if failed := command.CheckScript(t.File); failed != nil {
			return nil, failed
		}
	}
	switch conflicts := a.fn.settings.conflicts(t); {
	case len(conflicts) > 0: // unknown before the init command ran, which may make the file of the handler
		return nil, protocol.Failuref("Runtime.ConfigError", "%s: %s", conflicts[0].Option, conflicts[0].Why)
	case t.Function != "" && filepath.Ext(t.File) != ".sh":
		return newModule(a.fn, t)
	}
	if name := a.fn.initializerName(); name != "" {
		a.fn.warnOfInitializer(name)
	}
	switch {
	case t.Function != "":
		return &shell{fn: a.fn, target: t}, nil
	case a.fn.settings.Worker:
		return newWorker(a.fn, t.Args)
	default:
		return newOneshot(a.fn, t.Args)
	}
}

// Prepare records how often memory has run out so far, to detect the next time, and
// replaces the last event's temporary folder, because nothing writes to it any more.
func (a *adapter) Prepare() {
	a.fn.memory.Look()
	a.way.stopIfDue()
	a.removeTemp()
	_ = a.fn.temp.make() // Invoke tries again, and reports an error
	a.way.Prepare()
}

// removeTemp removes the last event's folder. A folder that stays is not a reason
// to fail.
func (a *adapter) removeTemp() {
	if err := a.fn.temp.remove(); err != nil {
		a.fn.services.Logger.Warn("cannot remove an event's temporary folder", "error", err)
	}
}

// Settle logs what was written since the last event.
func (a *adapter) Settle() { a.way.Settle() }

// Usage returns the resources that the last event used.
func (a *adapter) Usage() supervisor.Usage { return a.way.Usage() }

// grace returns how long a command may take to exit after SIGTERM, once ctx has
// ended: half of the time that remains until the event's deadline, or until the end
// of the stop.
func grace(ctx context.Context, ev *protocol.Event) time.Duration {
	if stop, ok := errors.AsType[*supervisor.StopError](context.Cause(ctx)); ok {
		return max(0, min(defaultGrace, time.Until(stop.Until)/2))
	}
	if until, ok := ctx.Deadline(); ok && ev.Deadline.After(until) {
		return ev.Deadline.Sub(until) / 2
	}
	return defaultGrace
}

const defaultGrace = 500 * time.Millisecond
