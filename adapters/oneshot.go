package adapters

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"
)

// A oneshot starts a program for each event.
type oneshot struct {
	fn   *function
	path string   // of the program
	args []string // its name first

	spare protocol.Spare // the last result

	usage supervisor.Usage // of the last event

	next        *call // the standby process; nil if there is none
	exitedEarly int   // how many standby processes in a row exited before their event
}

// A call is one process and its outputs.
type call struct {
	process *process.Process
	result  *result
	log     *stderr
}

func newOneshot(fn *function, args []string) (*oneshot, error) {
	path, err := fn.findProgram(args[0])
	return &oneshot{fn: fn, path: path, args: args}, err
}

func (o *oneshot) Start(context.Context) error { return nil }

// Close stops the process that was started in advance.
func (o *oneshot) Close(time.Duration) error {
	o.drop()
	return nil
}

// Settle does nothing: no process outlives its event.
func (o *oneshot) Settle() {}

func (o *oneshot) stopIfDue() {}

// Usage returns the usage of the last event.
func (o *oneshot) Usage() supervisor.Usage { return o.usage }

func (o *oneshot) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	o.usage = supervisor.Usage{}
	c, cleanUp, err := o.call(ev)
	defer cleanUp()
	if err != nil {
		return nil, err
	}
	exit := c.process.Wait(ctx, func() time.Duration { return grace(ctx, ev) })
	o.usage = supervisor.Usage{Exit: process.ExitText(exit.Status), Peak: c.process.Peak()}
	if exit.Cause != nil {
		o.fn.logStdout(c.result.data)
		return nil, stopFailure(exit.Cause, ev, c.result, c.log.String())
	}
	o.spare.Keep(c.result.data)
	result, err := o.fn.outcome(exit.Status, c.result.data, c.log)
	if f, failed := errors.AsType[*protocol.Failure](err); failed {
		failure.AddUnreadable(f, o.path)
	}
	return result, err
}

// newResult returns an empty result. It may reuse the memory of the last one, which
// was posted long ago.
func (o *oneshot) newResult(hint int) *result {
	return &result{max: o.fn.settings.Platform.MaxResult, hint: hint, data: o.spare.Take(hint)}
}

// call starts the program for an event, or gives the event to the process that waits
// for it.
func (o *oneshot) call(ev *protocol.Event) (c *call, cleanUp func(), err error) {
	if c := o.waiting(); c != nil {
		c.process.Give(ev.Body)
		c.process.CloseInput()
		return c, func() {}, nil
	}
	command, cleanUp, err := o.deliver(ev)
	if err == nil {
		c, err = o.start(command, ev)
	}
	return c, cleanUp, err
}

func (o *oneshot) start(command *process.Command, ev *protocol.Event) (*call, error) {
	c := &call{result: o.newResult(len(ev.Body)), log: o.fn.newStderr()}
	command.Env = o.fn.services.environment(o.fn.variables(ev))
	command.Dir = o.fn.settings.Dir
	command.Keep = o.fn.settings.Keep
	command.Owner = o.fn.services.Owner
	command.Outputs = []io.Writer{c.result, o.fn.logOutput(c.log)}
	if o.fn.settings.ResultFD3 {
		command.Outputs = []io.Writer{o.fn.logOutput(o.fn.services.Stdout), o.fn.logOutput(c.log), c.result}
	}
	var err error
	if c.process, err = process.Start(command); err != nil {
		return nil, failure.OfStart(err)
	}
	return c, nil
}

// deliver returns the command for an event. cleanUp removes the file of the event.
func (o *oneshot) deliver(ev *protocol.Event) (command *process.Command, cleanUp func(), err error) {
	command = &process.Command{Path: o.path, Args: o.args}
	cleanUp = func() {}
	switch o.fn.settings.Delivery {
	case Argv:
		err = fitsArgument(ev.Body)
		command.Args = o.argsWith(string(ev.Body))
	case File:
		var path string
		path, err = o.eventFile(ev.Body)
		cleanUp = func() { _ = o.fn.services.Temp.Remove(path) } // the command may have removed it
		command.Args = o.argsWith(path)
	default:
		command.Input = ev.Body
	}
	return command, cleanUp, err
}

func (o *oneshot) argsWith(last string) []string {
	return append(o.args[:len(o.args):len(o.args)], last)
}

// fitsArgument returns an error if Linux does not take an event as an argument.
// An argument with its final NUL may have at most 32 pages (MAX_ARG_STRLEN), even if
// all arguments together may have more.
func fitsArgument(event []byte) error {
	most := 32*os.Getpagesize() - 1
	switch {
	case len(event) > most:
		return protocol.Failuref("Function.EventTooLarge", "the event has %d bytes, and an argument at most %d: set BOOTSTRAP_DELIVERY to stdin or file", len(event), most)
	case bytes.IndexByte(event, 0) >= 0:
		return protocol.Failuref("Function.EventNotText", "the event contains a NUL byte, and an argument cannot: set BOOTSTRAP_DELIVERY to stdin or file")
	}
	return nil
}

// eventFile writes an event to a file in the temp folder. The caller must remove the
// file also after an error.
func (o *oneshot) eventFile(event []byte) (path string, err error) {
	f, err := o.fn.services.Temp.MakeFile()
	if err == nil {
		path = f.Name()
		_, err = f.Write(event)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		err = tempError("put the event into a file", err)
	}
	return path, err
}
