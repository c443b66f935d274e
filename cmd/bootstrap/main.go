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
	"sync/atomic"
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
	p := &program{stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(p.untilSignal(), os.Args[1:]))
}

// A program is one run of bootstrap.
type program struct {
	stdout, stderr io.Writer
	opened         atomic.Pointer[builder] // the builder with the log; nil until it is open
}

// untilSignal returns a context that the first stop signal cancels. A second
// signal kills all processes and exits.
func (p *program) untilSignal() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stopSignals()...)
	go func() { // ends with the program
		<-signals
		stop()
		<-signals
		process.KillAll()
		time.AfterFunc(lastLogTime, func() { os.Exit(exitFailed) })
		p.logSecondSignal()
		os.Exit(exitFailed)
	}()
	return ctx
}

// lastLogTime limits the last log line before an exit at the second signal.
const lastLogTime = 500 * time.Millisecond

func (p *program) logSecondSignal() {
	const line = "second signal: killing all processes"
	b := p.opened.Load()
	if b == nil {
		fmt.Fprintln(p.stderr, "bootstrap: "+line)
		return
	}
	b.logger.Error(line)
	b.stderrLog.Close(lastLogTime, lastLogTime)
}

// stopSignals are the signals that stop the runtime. A signal that the parent
// ignored, as nohup does with SIGHUP, stays ignored.
func stopSignals() []os.Signal {
	return slices.DeleteFunc([]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT}, signal.Ignored)
}

func (p *program) run(ctx context.Context, args []string) int {
	switch {
	case len(args) == 0:
		return p.serve(ctx, "")
	case len(args) == 1 && args[0] == "version":
		fmt.Fprintln(p.stdout, version.String())
	case len(args) == 1 && args[0] == "help":
		help(p.stdout)
	case len(args) == 1 && args[0] == "check":
		return check(p.stdout, p.stderr)
	case len(args) == 1 && args[0] == "probe":
		probe.Report(p.stdout)
	case len(args) == 2 && args[0] == "probe" && probe.Child(args[1]):
	case len(args) == 1 && args[0] != "" && args[0][0] != '-':
		return p.serve(ctx, args[0])
	default:
		return p.refuse(fmt.Errorf("cannot run %q: expected check, help, probe, version, a handler or no argument", args))
	}
	return 0
}
