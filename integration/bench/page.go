package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const template = `# Benchmarks

What an event costs, and how near that is to the least it can cost. Written by ` + "`make bench`" + `, in one run, on %s:
%s.

How it is measured:

- Each runtime, what it runs and a minimal local platform (SCF) share one CPU. With more CPUs the times vary: to wake an idle
  CPU can take longer than the event.
- Ready is the time from the start of the process to its call of init/ready.
- The latency of an event is the time from its delivery to the whole result. Every result is checked.
- There are %d rounds. In each, the two sides of a row run one after the other, and each has the median of its events. A row
  shows the round with the middle ratio.
- Look at the ratios. They hold on other machines much better than the times.

What it is compared with:

- *C*: the least a runtime can do, in C: blocking sockets, ` + "`vfork`" + `, no checks, no time limit, no log. It is the floor.
- *bash and curl*: a runtime as one writes it by hand, on the pattern of the vendors' tutorials.
- *worker in Python*, *in Node*: a bare loop in that language, under bootstrap. What the function costs more is the price of
  handlers, contexts and error reports.

## Aims and results

*measured* is *ours* divided by what it is compared with; it should be *at most* so much. **Bold** is a missed aim. Events have
100 bytes where nothing is said. The *minimal child* is a program without a C library, so that its own start is next to
nothing. Memory is that of the runtime alone; 1 MB is 2^20 bytes.

%s
## What keeps us from the floor

Found with perf and strace, in November 2026, on a machine like the one above:

- *Start to ready*: a Go program that does nothing takes 0.71 ms from its start to its end, where C, with the call, takes 0.53.
  To listen for signals takes threads, 0.2 ms, and what packages do as they are loaded 0.15 ms, of which the log's is 0.1. The
  rest, about 0.25 ms, is configuration, a look at the program, and the connection.
- *A program for each event*: 110 to 150 µs, whatever the program takes itself. Go's fork sets 62 signals back in the child (13
  µs) and has a pipe of its own to learn whether exec worked; stderr has a pipe, for the error message; the child becomes the
  one that the kernel ends when memory runs out (10 µs); its group is ended before it is reaped.
- *A resident worker*: 15 system calls, C makes 4. Does the worker live, has it logged something meanwhile, which is not this
  event's? Poll in place of read, as it may log; then what it logged before it answered. Is the connection still quiet? After the
  answer, and here the next event waits for it: a look for what the event has left behind, and the line that reports it, each a
  tenth of our time. BOOTSTRAP_LOG_LEVEL=warn does without the line.
- *Resident memory*: 3.5 MB are pages of the program's file, which the kernel maps in large pieces; 0.6 MB is Go's heap at its
  start. After many events the collector keeps it below 3 MB.

## Latency by way

![Latency of an event by way](%s)

%s`

// page is the report for people.
func (r *report) page(plot string) string {
	return fmt.Sprintf(template, time.Now().Format("2 January 2006"), machine(), r.rounds, r.table(), plot, ways(r.comparisons).table())
}

// machine says what the numbers depend on.
func machine() string {
	facts := []string{processor(), "Linux " + kernel(), runtime.Version()}
	for _, name := range []string{"bash", "curl", "python3", "node"} {
		facts = append(facts, name+" "+version(name))
	}
	return strings.Join(facts, ", ")
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo") // what is not known is left out
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// kernel is its number, without what its builders add.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // missing: no number
	return regexp.MustCompile(`^[0-9]+\.[0-9]+`).FindString(string(release))
}

// version is the first word of a program's account that has digits and dots.
func version(name string) string {
	out, _ := exec.Command(name, "--version").Output() // no version if it does not say
	for word := range strings.FieldsSeq(string(out)) {
		if word = strings.TrimPrefix(word, "v"); strings.Contains(word, ".") && word[0] >= '0' && word[0] <= '9' {
			return strings.FieldsFunc(word, func(r rune) bool { return r == '(' || r == '-' })[0]
		}
	}
	return "unknown"
}
