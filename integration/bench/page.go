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

How long an event takes, and how far that is from the shortest time possible. ` + "`make bench`" + ` wrote this page in one run, on %s:
%s.
[Analysis](performance.md) explains where the rest of the time goes.

How it is measured:

- The runtime, the function and a minimal local platform (SCF) share one CPU. On several CPUs the times vary, because waking an
  idle CPU can take longer than the event.
- *Start to ready* is the time from the start of the process to its call of init/ready.
- The latency of an event is the time from its delivery to the last byte of the result. Every result is checked.
- There are %d rounds. In each round, the two sides of a row run one after the other, and the latency is the median of its
  events. A row shows the round with the median ratio.
- Compare the ratios, not the times: the ratios hold on other machines.

What bootstrap is compared with:

- *C*: the smallest possible runtime, in C. It uses blocking sockets and ` + "`vfork`" + `, and has no checks, time limit or log.
- *bash and curl*: a runtime that follows the vendors' tutorials.
- *worker in Python*, *worker in Node*: a short loop in that language, which bootstrap runs as a worker. The difference to a
  function is the cost of handlers, contexts and error reports.

## Targets and results

The ratio is *bootstrap* divided by *compared with*. **Bold** marks a missed target. An event has 100 bytes unless the row says
otherwise. The *minimal child* is a program without a C library, which starts faster than any other. Memory is that of the
runtime alone; 1 MB is 2^20 bytes. *A token* is the processor time that an event takes more if each event brings a new token.

%s
## Latency of each way to run a function

![Latency of an event for each way to run a function](%s)

%s`

// page returns the report as a page of Markdown.
func (r *report) page(plot string) string {
	return fmt.Sprintf(template, time.Now().Format("2 January 2006"), machine(), r.rounds, r.table(), plot, ways(r.comparisons).table())
}

// machine describes the machine and the versions of the programs.
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

// kernel returns the kernel's version without its suffix.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // missing: no number
	return regexp.MustCompile(`^[0-9]+\.[0-9]+`).FindString(string(release))
}

// version returns the first word with digits and dots of a program's version text.
func version(name string) string {
	out, _ := exec.Command(name, "--version").Output() // no version if it does not say
	for word := range strings.FieldsSeq(string(out)) {
		if word = strings.TrimPrefix(word, "v"); strings.Contains(word, ".") && word[0] >= '0' && word[0] <= '9' {
			return strings.FieldsFunc(word, func(r rune) bool { return r == '(' || r == '-' })[0]
		}
	}
	return "unknown"
}
