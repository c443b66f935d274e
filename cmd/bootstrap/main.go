// Command bootstrap is a custom runtime for Tencent SCF, Huawei FunctionGraph
// and AWS Lambda: it hands each event to a command or to a function in a
// script and posts what comes back.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"bootstrap/cmd/bootstrap/internal/probe"
	"bootstrap/cmd/internal/version"
	"bootstrap/supervisor/process"
)

// Exit statuses.
const (
	exitStopped = 0 // asked to stop, and did
	exitFailed  = 1 // the runtime or the start of the function failed
	exitUsage   = 2 // wrong configuration or usage
)

func main() {
	debug.SetGCPercent(25) // half the memory after many events, and no slower
	// A write to a log that nobody reads any more must not end us. Ignoring
	// the signal would do so for the user's command, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdout, os.Stderr))
}

// lastLogTime is what the log has where all ends at once.
const lastLogTime = 500 * time.Millisecond

// untilSignal ends when we are told to stop. Who is told twice ends at once,
// with all that runs.
func untilSignal() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { // ends with the program
		<-signals
		stop()
		<-signals
		process.KillAll()
		time.AfterFunc(lastLogTime, func() { os.Exit(exitFailed) })
		fmt.Fprintln(os.Stderr, "bootstrap: told twice to stop: all is ended at once")
		os.Exit(exitFailed)
	}()
	return ctx
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0:
		return serve(ctx, stdout, stderr)
	case len(args) == 1 && args[0] == "version":
		fmt.Fprintln(stdout, version.String())
	case len(args) == 1 && args[0] == "help":
		help(stdout)
	case len(args) == 1 && args[0] == "check":
		return check(stdout, stderr)
	case len(args) == 1 && args[0] == "probe":
		probe.Report(stdout)
	case len(args) == 2 && args[0] == "probe" && probe.Child(args[1]):
	default:
		fmt.Fprintf(stderr, "bootstrap: cannot run %q: the arguments are check, help, probe, version or none\n", args)
		return exitUsage
	}
	return 0
}
