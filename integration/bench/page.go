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

How long an event takes in bootstrap, compared with the shortest time possible, and how fast the local platform of bootstrapctl is,
compared with AWS's emulator. ` + "`make bench`" + ` wrote this page in one run, on %s:
%s.
[Analysis](performance.md) explains where the rest of the time goes.

How to read it:

- Compare the ratios, not the times: the ratios hold on other machines. **Bold** marks a missed target. Less is better, except
  for events per second.
- All programs of a measurement share one CPU. On several CPUs the times vary, because waking an idle CPU can take longer than
  the event.
- An event is a JSON object of 100 bytes, unless a row says otherwise. Every result is checked.
- There are %d rounds. In each round, the two sides of a row run one after the other. A row shows the round with the median
  ratio, and of that round the median over its events.
- 1 MB is 2^20 bytes.

## The runtime: time of a start and of an event

| name | what it is |
| --- | --- |
| C | the smallest possible runtime, in C: blocking sockets and ` + "`vfork`" + `, no checks, no time limit and no log |
| bash and curl | a runtime that follows the vendors' tutorials |
| AWS's library for Go | a function on [aws-lambda-go](https://github.com/aws/aws-lambda-go). Its start lasts until it asks for its first event |
| minimal child | a program without a C library, which starts faster than any other |
| a resident worker | a program that stays and serves one event after the other |
| worker in Python, worker in Node | a short loop in that language, which bootstrap runs as a resident worker. The difference to a function is the cost of handlers, contexts and error reports |

The platform here is a minimal one for SCF. A start lasts from the start of the process to its call of init/ready. An event lasts
from its delivery to the last byte of the result. The ratio is the time of bootstrap divided by the time that it is compared with.

%s
## The runtime: processor time, memory and size

Processor time and memory are those of the runtime alone, without the function. *Looking for what an event leaves behind* is the time that this adds between two events, where the sandbox does not let the runtime adopt orphans, as on AWS Lambda and in
gVisor. Elsewhere it costs nothing.

%s
## The runtime: all ways to run a function

![Latency of an event for each way to run a function](%s)

A name says the runtime, and how it runs the function: *program* starts a program for each event and sends the event to its stdin,
*argument* passes the event as an argument instead, *standby* starts the program before the event arrives, *worker* keeps one
program for all events, and *function* is code for a handler in that language.

%s
## The local platform: bootstrapctl local and AWS's emulator

Both run bootstrap with the worker in C behind the Lambda API, and get the same calls over HTTP. The callers are in the process of
the benchmark, which shares the CPU. AWS's emulator is its [runtime interface
emulator](https://github.com/aws/aws-lambda-runtime-interface-emulator), which serves one event at a time. bootstrapctl local runs
up to 4 instances of the function.

- *Start to first answer* lasts from the start of the command, and includes the start of the function.
- *Over package emulator* is the time that a single caller waits for a warm event, minus the time of the same event in package
  ` + "`protocol/emulator`" + `, which bootstrapctl local uses, without an API in front of it. It is negative for a platform that is faster.
- Memory is the resident memory of the platform's process.

%s
Each of the callers sends its next event when it has the result of the last one. An event waits until an instance is free, so the
times grow with the number of callers.

%s`

// page returns the report as a page of Markdown.
func (r *report) page(plot string) string {
	return fmt.Sprintf(template, time.Now().Format("2 January 2006"), machine(), r.rounds,
		r.ratios(), r.figures(), plot, ways(r.comparisons).table(), r.local.targets(), r.local.loads())
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
