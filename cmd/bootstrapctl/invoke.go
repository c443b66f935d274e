//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/screen"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
	"bootstrap/protocol/emulator/faults"
)

const invokeText = `Run the function in a folder as a platform would, and send it an event. Only the
result goes to stdout. Ctrl-C stops the runtime as the platform does; a second
Ctrl-C kills it. The exit status is 0 for a result, 1 for a failure, 2 for wrong
usage, and 130 after Ctrl-C.`

// exitInterrupted is the exit status after Ctrl-C, as in shells.
const exitInterrupted = 130

// stopSignals are the signals that stop a session, the same as in main.
var stopSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}

// An invocation holds the flags of invoke.
type invocation struct {
	dir, platform, handler string
	event, eventFile       string
	timeout                time.Duration
	memory                 int
	repeat, concurrency    int
	env                    list
	runtime, fault         string
	faults                 *faults.Set // parsed; nil: none
	verbose, quiet         bool
}

func (in *invocation) flags(stderr io.Writer) *flag.FlagSet {
	f := newFlags("invoke", "[flags] [-]", invokeText, stderr)
	f.StringVar(&in.dir, "dir", ".", "the `folder` with the function")
	f.StringVar(&in.platform, "platform", protocol.SCF.Name, "scf, functiongraph or lambda")
	f.StringVar(&in.handler, "handler", "index.main_handler", "the function's handler, as set in the console")
	f.StringVar(&in.event, "event", "{}", "the event, as `JSON`")
	f.StringVar(&in.eventFile, "event-file", "", "the `file` with the event, or - for standard input; \"bootstrapctl invoke -\" also reads standard input")
	durationFlag(f, &in.timeout, "timeout", 3*time.Second, "the function's time limit, such as 60s")
	numberFlag(f, &in.memory, "memory", 128, "the function's memory in `MB`, as its variables show it; invoke does not enforce it")
	numberFlag(f, &in.repeat, "repeat", 1, "number of `times` to send the event")
	numberFlag(f, &in.concurrency, "concurrency", 1, "`number` of events at the same time; not on scf")
	f.Var(&in.env, "env", "a variable of the function, `NAME=value`; may be repeated")
	f.StringVar(&in.runtime, "runtime", "", "the `command` to run as the runtime (default: bootstrap from the folder, or that of bootstrapctl)")
	f.StringVar(&in.fault, "fault", "", "make the platform fail on purpose: a `list` of faults such as next-500=3,slow-body; -fault help explains them")
	f.BoolVar(&in.verbose, "v", false, "show the runtime's own log lines unchanged, and the request id")
	f.BoolVar(&in.quiet, "q", false, "show only the result or the failure")
	return f
}

// invoke is the subcommand invoke.
func invoke(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == watchFlag {
		return runWatcher(stdin)
	}
	var in invocation
	flags := in.flags(stderr)
	rest, status, ok := parse(flags, args)
	if !ok {
		return status
	}
	if in.fault == "help" {
		fmt.Fprint(stdout, faults.Help())
		return exitResult
	}
	platform, err := in.check(flags, rest)
	var event []byte
	if err == nil {
		event, err = in.readEvent(ctx, platform, stdin)
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl invoke: %v\n", err)
		return exitUsage
	}
	status, err = in.run(ctx, platform, event, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl: %v\n", err)
	}
	return status
}

// check returns the platform, and an error that lists all invalid flags.
func (in *invocation) check(flags *flag.FlagSet, rest []string) (*protocol.Platform, error) {
	wrong := in.env.invalid()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	platform, err := protocol.Detect(in.platform, os.Getenv)
	if err != nil || in.platform == "" {
		say("-platform %q: expected scf, functiongraph or lambda%s", in.platform, didYouMean(in.platform, platformNames()))
	} else if err := emulator.CheckConcurrency(platform, in.concurrency); err != nil {
		say("-concurrency: %w", err)
	}
	if len(rest) == 1 && rest[0] == "-" && in.eventFile == "" {
		in.eventFile, rest = "-", nil
	}
	if len(rest) > 0 {
		say("cannot use the arguments %q: expected only flags, and - for standard input", rest)
	}
	if isSet(flags, "event") && in.eventFile != "" {
		say("cannot send two events: -event and %s", in.eventFile)
	}
	if in.verbose && in.quiet {
		say("cannot show more and less: -v and -q")
	}
	if in.fault != "" {
		if in.faults, err = faults.Parse(in.fault); err != nil {
			say("-fault: %w; \"bootstrapctl invoke -fault help\" lists the faults", err)
		}
	}
	if info, err := os.Stat(in.dir); err != nil || !info.IsDir() {
		say("cannot find the folder -dir %s", in.dir)
	}
	for _, limit := range []struct {
		name   string
		number int
	}{{"timeout", int(in.timeout)}, {"memory", in.memory}, {"repeat", in.repeat}, {"concurrency", in.concurrency}} {
		if limit.number <= 0 {
			say("-%s must be more than 0", limit.name)
		}
	}
	return platform, errors.Join(wrong...)
}

// run starts an instance of the function and sends it the event -repeat times. Its
// error is never a failure of the function.
func (in *invocation) run(ctx context.Context, platform *protocol.Platform, event []byte, stdout, stderr io.Writer) (status int, err error) {
	program, err := findRuntime(ctx, in.runtime, in.dir)
	if err != nil {
		return exitFailure, err
	}
	defer program.Close()
	function := emulator.Function{
		Handler: in.handler, Dir: in.dir, Timeout: in.timeout, MemoryMB: in.memory, Env: in.env, Concurrency: in.concurrency,
	}
	if in.faults != nil {
		function.Wrap = in.faults.Wrap(platform)
	}
	server, err := emulator.New(platform, function)
	if err != nil {
		return exitFailure, err
	}
	defer server.Close()
	view := screen.New(stdout, stderr, screen.Options{
		Verbose: in.verbose, Quiet: in.quiet, Repeated: in.repeat > 1,
		Runtime: program.String(), Dir: absolute(in.dir), MemoryMB: in.memory, Getenv: os.Getenv,
	})
	for _, warning := range in.warnings(platform, program) {
		view.Warn("%s", warning)
	}
	s := &session{invocation: in, platform: platform, screen: view, server: server, event: event}
	return s.serve(ctx, program.args)
}

// absolute returns the full path of a folder, or the path itself on an error.
func absolute(dir string) string {
	if path, err := filepath.Abs(dir); err == nil {
		return path
	}
	return dir
}
