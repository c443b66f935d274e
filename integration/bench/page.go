package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
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

func kernel() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return ""
	}
	var b strings.Builder
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
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
