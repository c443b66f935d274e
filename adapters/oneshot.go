package adapters

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// oneshot starts a program for each event.
type oneshot struct {
	Config
	args []string // the program and its arguments
	path string   // where it was found
}

func (o *oneshot) Start(context.Context) (err error) {
	o.path, err = findProgram(o.args[0], o.Dir, o.Getenv("PATH"))
	return err
}

func (o *oneshot) Close() error { return nil }

func (o *oneshot) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	command, cleanUp, err := o.deliver(ev)
	defer cleanUp()
	if err != nil {
		return nil, err
	}
	answer, log := &result{max: o.Platform.MaxResult}, newStderr(o.Log)
	command.Env = o.environment(o.variables(ev))
	command.Dir = o.Dir
	command.Keep = o.Keep
	command.Outputs = []io.Writer{answer, log}
	if o.ResultFD3 {
		command.Outputs = []io.Writer{newStderr(o.Log), log, answer}
	}
	exit, err := supervisor.Run(ctx, command, grace(ctx, ev))
	switch {
	case err != nil:
		return nil, explain(err)
	case exit.Cause != nil:
		return nil, cutShort(exit.Cause, ev, answer, log.String())
	}
	return o.answer(exit.Status, answer.data, log)
}

// deliver makes the command for an event. cleanUp removes what it needed.
func (o *oneshot) deliver(ev *protocol.Event) (command *supervisor.Command, cleanUp func(), err error) {
	command = &supervisor.Command{Path: o.path, Args: o.args}
	cleanUp = func() {}
	switch o.Delivery {
	case Argv:
		err = fitsArgument(ev.Body)
		command.Args = o.argsWith(string(ev.Body))
	case File:
		var path string
		path, err = eventFile(ev.Body)
		cleanUp = func() { _ = os.Remove(path) } // the command may have done it
		command.Args = o.argsWith(path)
	default:
		command.Input = ev.Body
	}
	return command, cleanUp, err
}

func (o *oneshot) argsWith(last string) []string {
	return append(o.args[:len(o.args):len(o.args)], last)
}

// fitsArgument: Linux takes 32 pages for one argument, its final NUL included
// (MAX_ARG_STRLEN), whatever the limit on all of them.
func fitsArgument(event []byte) error {
	most := 32*os.Getpagesize() - 1
	switch {
	case len(event) > most:
		return problem("Function.EventTooLarge", "the event of %d bytes is too long for an argument, which takes %d: set BOOTSTRAP_DELIVERY to stdin or file", len(event), most)
	case bytes.IndexByte(event, 0) >= 0:
		return problem("Function.EventNotText", "the event has a NUL byte, which no argument can hold: set BOOTSTRAP_DELIVERY to stdin or file")
	}
	return nil
}

// eventFile writes an event to a file in the temp folder. The path is to be
// removed also on an error.
func eventFile(event []byte) (path string, err error) {
	f, err := os.CreateTemp("", "event-")
	if err == nil {
		path = f.Name()
		_, err = f.Write(event)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		err = problem("Runtime.TempError", "cannot put the event into a file: %v", err)
	}
	return path, err
}
