// Command bootstrap is a custom runtime for Tencent SCF, Huawei FunctionGraph
// and AWS Lambda: it passes each event to a command or to a function in a
// script, and posts the result.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"bootstrap/cmd/bootstrap/internal/probe"
	"bootstrap/cmd/internal/version"
	"bootstrap/supervisor/process"
)

// The exit statuses.
const (
	exitStopped = 0 // stopped as asked
	exitFailed  = 1 // the runtime or the start of the function failed
	exitUsage   = 2 // wrong configuration or usage
)

func main() {
	debug.SetGCPercent(25) // halves the memory after many events, and costs no speed
	// A write to a log without a reader must not kill us. Ignoring the signal
	// would make the user's command ignore it, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdout, os.Stderr))
}

// lastLogTime limits the last log line before an exit at the second signal.
const lastLogTime = 500 * time.Millisecond

// untilSignal returns a context that the first stop signal cancels. A second
// signal kills all processes and exits.
func untilSignal() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stopSignals()...)
	go func() { // ends with the program
		<-signals
		stop()
		<-signals
		process.KillAll()
		time.AfterFunc(lastLogTime, func() { os.Exit(exitFailed) })
		fmt.Fprintln(os.Stderr, "bootstrap: second signal: killing all processes")
		os.Exit(exitFailed)
	}()
	return ctx
}

// stopSignals are the signals that stop the runtime. A signal that the parent
// ignored, as nohup does with SIGHUP, stays ignored.
func stopSignals() []os.Signal {
	return slices.DeleteFunc([]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT}, signal.Ignored)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0:
		return serve(ctx, "", stderr)
	case len(args) == 1 && args[0] == "version":
		fmt.Fprintln(stdout, version.String())
	case len(args) == 1 && args[0] == "help":
		help(stdout)
	case len(args) == 1 && args[0] == "check":
		return check(stdout, stderr)
	case len(args) == 1 && args[0] == "probe":
		probe.Report(stdout)
	case len(args) == 2 && args[0] == "probe" && probe.Child(args[1]):
	case len(args) == 1 && args[0] != "" && args[0][0] != '-':
		return serve(ctx, args[0], stderr)
	default:
		fmt.Fprintf(stderr, "bootstrap: cannot run %q: expected check, help, probe, version, a handler or no argument\n", args)
		return exitUsage
	}
	return 0
}
