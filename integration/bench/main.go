// Bench compares bootstrap with the least that does the same, in C, and with a runtime
// in bash and curl, and bootstrapctl local with AWS's emulator. It writes the results to
// a page.
//
//	go run ./integration/bench -bootstrap bin/bootstrap -bootstrapctl bin/bootstrapctl -out docs/benchmarks.md
//
// It runs in the project's root, needs cc, bash, curl, python3 and node, and takes some
// minutes; with -quick, about one. Without a network, and without AWS's
// emulator or AWS's library in Go's cache, the page says that it was not measured.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == orphanMode {
		fmt.Fprintf(os.Stderr, "cannot run %s: %v\n", os.Args[2], runWithoutAdoption(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	bootstrap := flags.String("bootstrap", "bin/bootstrap", "the `program` to measure")
	bootstrapctl := flags.String("bootstrapctl", "bin/bootstrapctl", "the `program` whose local platform to measure")
	events := flags.Int("events", 100_000, "`how many` events the local platform serves before its memory is measured; -quick: a tenth")
	out := flags.String("out", "docs/benchmarks.md", "the `page` to write; the plot goes beside it")
	quick := flags.Bool("quick", false, "measure less, in about a minute")
	if flags.Parse(args[1:]) != nil || flags.NArg() > 0 {
		return 2
	}
	p := programs{*bootstrap, *bootstrapctl}
	if err := bench(p, *out, effortOf(*quick, *events), stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func bench(p programs, out string, e effort, stdout, stderr io.Writer) error {
	if err := pin(); err != nil {
		return err
	}
	if err := adopt(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cleanUpOnSignal(dir)
	if err := os.Setenv("TMPDIR", dir); err != nil {
		return err
	}
	t, err := prepare(p, dir)
	if err != nil {
		return err
	}
	progress := func(what string) { fmt.Fprintln(stderr, what) }
	progress("building AWS's emulator")
	t.buildEmulator(dir)
	progress("building the function on AWS's library for Go")
	t.buildInGo(dir)
	r, err := measure(t, e, progress)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, r.ratios(), "\n", r.figures(), "\n", r.local.targets(), "\n", r.local.loads())
	return r.write(out)
}

// cleanUpOnSignal removes the folder and kills all children when this program is
// interrupted.
func cleanUpOnSignal(dir string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() { // ends with the program
		<-signals
		syscall.ForkLock.RLock() // nothing is started any more
		endAll()
		_ = os.RemoveAll(dir) // nobody is left to tell
		os.Exit(1)
	}()
}

// An effort says how much to measure.
type effort struct {
	rounds int
	part   int // of the events of a row: 1 all, 10 a tenth
	local  localEffort
}

func effortOf(quick bool, events int) effort {
	if quick {
		return effort{rounds: 3, part: 10, local: localEffort{rounds: 1, events: 200, starts: 3, memory: max(events/10, 10)}}
	}
	return effort{rounds: 5, part: 1, local: localEffort{rounds: 5, events: 2000, starts: 5, memory: max(events, 10)}}
}

// measure measures all rows.
func measure(t *tools, e effort, progress func(string)) (*report, error) {
	r := &report{rounds: e.rounds, comparisons: compare(rows(t), e, progress)}
	r.more = compareMore(moreRows(t), e, progress)
	progress("processor time")
	for _, c := range costRows(t) {
		c.times /= e.part
		r.costs = append(r.costs, c.take())
	}
	progress("memory")
	for _, m := range memoryRows(t) {
		mb, err := m.take()
		r.memory = append(r.memory, taken{m, mb, err})
	}
	r.local = measureLocal(t, e.local, progress)
	info, err := os.Stat(t.bootstrap)
	if err != nil {
		return nil, err
	}
	r.binary = float64(info.Size()) / (1 << 20)
	return r, nil
}
