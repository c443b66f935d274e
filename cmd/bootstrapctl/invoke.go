//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// An invocation is what the flags of invoke say.
type invocation struct {
	dir, platform, handler string
	event, eventFile       string
	timeout                time.Duration
	memory                 int
	repeat, concurrency    int
	env                    list
	runtime                string
}

func (in *invocation) flags(stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("bootstrapctl invoke", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&in.dir, "dir", ".", "the `folder` with the function, as it would be zipped")
	f.StringVar(&in.platform, "platform", protocol.SCF.Name, "scf, functiongraph or lambda")
	f.StringVar(&in.handler, "handler", "index.main_handler", "the function's handler, as set in the console")
	f.StringVar(&in.event, "event", "", "the event, as `JSON` (default {})")
	f.StringVar(&in.eventFile, "event-file", "", "the `file` with the event; - or a lone - after the flags: standard input")
	f.DurationVar(&in.timeout, "timeout", 3*time.Second, "the function's time limit")
	f.IntVar(&in.memory, "memory", 128, "the function's memory in `MB`, which it is told but not held to")
	f.IntVar(&in.repeat, "repeat", 1, "how many `times` to send the event")
	f.IntVar(&in.concurrency, "concurrency", 1, "`how many` of these at the same time; not on scf")
	f.Var(&in.env, "env", "a variable of the function, `NAME=value`; may be repeated")
	f.StringVar(&in.runtime, "runtime", "", "the `command` to run as the runtime (default bootstrap from the folder, else our own)")
	return f
}

// invoke runs the function in a folder as a platform would and sends it an
// event. Only results go to stdout.
func invoke(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var in invocation
	flags := in.flags(stderr)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitResult
	} else if err != nil {
		return exitUsage
	}
	platform, err := in.check(flags.Args())
	if err != nil {
		return complain(stderr, err)
	}
	event, err := in.readEvent(stdin)
	if err != nil {
		return complain(stderr, err)
	}
	status, err := in.run(ctx, platform, event, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl: %v\n", err)
	}
	return status
}

func complain(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "bootstrapctl invoke: %v\n", err)
	return exitUsage
}

// check finds what is wrong with the flags, all of it.
func (in *invocation) check(rest []string) (*protocol.Platform, error) {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	platform, err := protocol.Detect(in.platform, os.Getenv)
	if err != nil || in.platform == "" {
		say("-platform %q: want scf, functiongraph or lambda", in.platform)
	}
	if len(rest) == 1 && rest[0] == "-" && in.eventFile == "" {
		in.eventFile, rest = "-", nil
	}
	if len(rest) > 0 {
		say("cannot use the arguments %q: only flags, and - for standard input", rest)
	}
	if in.event != "" && in.eventFile != "" {
		say("two events: -event and %s", in.eventFile)
	}
	if info, err := os.Stat(in.dir); err != nil || !info.IsDir() {
		say("-dir %s: no such folder", in.dir)
	}
	for _, v := range in.env {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			say("-env %q: want NAME=value", v)
		}
	}
	for name, wrong := range map[string]bool{"timeout": in.timeout <= 0, "memory": in.memory <= 0, "repeat": in.repeat <= 0,
		"concurrency": in.concurrency <= 0} {
		if wrong {
			say("-%s must be more than 0", name)
		}
	}
	return platform, errors.Join(wrong...)
}

// readEvent: the platforms take JSON only.
func (in *invocation) readEvent(stdin io.Reader) (event []byte, err error) {
	switch in.eventFile {
	case "":
		event = []byte(in.event)
		if in.event == "" {
			event = []byte("{}")
		}
	case "-":
		event, err = io.ReadAll(stdin)
	default:
		event, err = os.ReadFile(in.eventFile)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the event: %w", err)
	}
	if !json.Valid(event) {
		return nil, errors.New("the event is not JSON: the platforms take nothing else")
	}
	return event, nil
}

// run sends the event as often as asked to an instance of the function. Its
// error is one of ours, not of the function.
func (in *invocation) run(ctx context.Context, platform *protocol.Platform, event []byte, stdout, stderr io.Writer) (status int, err error) {
	command, cleanUp, err := findRuntime(in.runtime, in.dir)
	defer cleanUp()
	if err != nil {
		return exitFailure, err
	}
	server, err := emulator.New(platform, emulator.Function{
		Handler: in.handler, Dir: in.dir, Timeout: in.timeout, MemoryMB: in.memory, Env: in.env, Concurrency: in.concurrency,
	})
	if err != nil {
		return exitFailure, err
	}
	defer server.Close()
	runner := emulator.NewRunner(server, command, stderr, stderr)
	last := func() { // of what the runtime says, and of us about it
		asked := runner.PID() != 0 && (platform.Register == "" || server.Stats().Extensions > 0)
		if state := runner.Stop(); asked && killed(state) {
			fmt.Fprintln(stderr, "bootstrapctl: the runtime was killed, as the platform would: it had not ended in time after SIGTERM")
		}
		if killed := runner.Clear(); len(killed) > 0 {
			fmt.Fprintf(stderr, "bootstrapctl: killed what the runtime had left running, as the platform would: %s\n", strings.Join(killed, ", "))
		}
	}
	defer last()
	return in.sendAll(ctx, runner, event, stdout, stderr, last)
}

func killed(state *os.ProcessState) bool {
	return state != nil && state.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// sendAll prints the results in the order of the events, the report of the last
// one behind what last has to say.
func (in *invocation) sendAll(ctx context.Context, runner *emulator.Runner, event []byte, stdout, stderr io.Writer, last func()) (status int, err error) {
	send, end := sender(ctx, runner, event)
	defer end()
	var sent []<-chan invoked // the oldest first
	for n := range in.repeat {
		for len(sent) < min(in.concurrency, in.repeat-n) {
			sent = append(sent, send())
		}
		got := <-sent[0]
		sent = sent[1:]
		if got.err != nil {
			return exitFailure, got.err
		}
		if n == in.repeat-1 {
			last()
		}
		if got.Kind == emulator.Result {
			_, err = stdout.Write(in.apart(got.Body))
		} else {
			status = exitFailure
		}
		if err != nil {
			return exitFailure, fmt.Errorf("cannot print the result: %w", err)
		}
		report(stderr, got.Outcome, runner.PeakMemory())
	}
	return status, nil
}

// apart is a result on lines of its own, where there are several.
func (in *invocation) apart(result []byte) []byte {
	if in.repeat > 1 && !bytes.HasSuffix(result, []byte("\n")) {
		return append(slices.Clip(result), '\n')
	}
	return result
}

// An invoked event has an outcome, or an error of ours.
type invoked struct {
	emulator.Outcome
	err error
}

// sender returns send, which sends event and does not wait for what comes of
// it, and end, which blocks until all that were sent are over.
func sender(ctx context.Context, runner *emulator.Runner, event []byte) (send func() <-chan invoked, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	send = func() <-chan invoked {
		done := make(chan invoked, 1)
		running.Go(func() {
			outcome, err := runner.Invoke(ctx, emulator.Event{Body: event})
			done <- invoked{outcome, err}
		})
		return done
	}
	return send, func() { cancel(); running.Wait() }
}
