// Bench compares bootstrap with the least that does the same, in C, and with
// a runtime in bash and curl, and writes down what it finds.
//
//	go run ./integration/bench -bootstrap bin/bootstrap -out docs/benchmarks.md
//
// It runs in the project's root, needs cc, bash, curl, python3 and node, and
// takes some minutes; with -quick, half a minute and fewer events.
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
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	bootstrap := flags.String("bootstrap", "bin/bootstrap", "the `program` to measure")
	out := flags.String("out", "docs/benchmarks.md", "the `page` to write; the plot goes beside it")
	quick := flags.Bool("quick", false, "measure less, in half a minute")
	if flags.Parse(args[1:]) != nil || flags.NArg() > 0 {
		return 2
	}
	if err := bench(*bootstrap, *out, *quick, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func bench(bootstrap, out string, quick bool, stdout, stderr io.Writer) error {
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
	t, err := prepare(bootstrap, dir)
	if err != nil {
		return err
	}
	r, err := measure(t, quick, func(what string) { fmt.Fprintln(stderr, what) })
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, r.table())
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

// measure measures all rows.
func measure(t *tools, quick bool, progress func(string)) (*report, error) {
	rounds, all := 5, rows(t)
	if quick {
		rounds = 3
		for n := range all {
			all[n].times = max(all[n].times/10, 5)
		}
	}
	r := &report{rounds: rounds, comparisons: compare(all, rounds, progress)}
	progress("processor time")
	for _, c := range costRows(t) {
		if quick {
			c.times /= 10
		}
		r.costs = append(r.costs, c.take())
	}
	progress("memory")
	for _, m := range memoryRows(t) {
		mb, err := m.take()
		r.memory = append(r.memory, taken{m, mb, err})
	}
	info, err := os.Stat(t.bootstrap)
	if err != nil {
		return nil, err
	}
	r.binary = float64(info.Size()) / (1 << 20)
	return r, nil
}
