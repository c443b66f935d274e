package main

import "time"

// A row is a comparison: the ratio of two contenders' medians.
type row struct {
	measure      string
	atMost       float64
	ours, theirs contender
	size         int // of an event; 0: the start is measured
	pause        time.Duration
	times        int // events, or starts, in a round
}

const (
	small  = 100
	medium = 100 << 10
	large  = 6<<20 - 100 // the platform takes 6 MiB
)

func rows(t *tools) []row {
	cat := t.run("program: cat", []string{"cat"})
	child := t.run("program: minimal child", []string{t.child})
	worker := t.resident("worker in C", t.worker)
	bash := t.function("bash function", t.bash)
	catInC := t.inC("program: cat", "stdin", t.cat)
	workerInC := t.inC("worker in C", "worker", t.worker)
	return []row{
		{"start, compared with bash", 0.15, cat, t.inBash(), 0, 0, 20},
		{"start, compared with C", 1.5, cat, t.inC("no child", "ready"), 0, 0, 20},
		{"start, compared with AWS's library for Go", 1, cat, t.inGo(), 0, 0, 20},
		{"a program for each event: the minimal child", 1.5, child, t.inC("program: minimal child", "stdin", t.child), small, 0, 2000},
		{"a program for each event: `cat`", 1.2, cat, catInC, small, 0, 2000},
		{"a program for each event: `printf`, event as argument", 1.2,
			t.run("argument: printf", []string{"printf", "%s"}, "BOOTSTRAP_DELIVERY=argv"),
			t.inC("argument: printf", "argv", t.printf, "%s"), small, 0, 2000},
		{"a bash function", 0.065, bash, t.inBash(), small, 0, 300},
		{"a bash function, 100 KB", 0.35, bash, t.inBash(), medium, 0, 300},
		{"a Python function", 1.5, t.function("Python function", t.python), t.resident("worker in Python", "python3", t.workerPy), small, 0, 10000},
		{"a Node function", 1.5, t.function("Node function", t.node), t.resident("worker in Node", "node", t.workerJs), small, 0, 10000},
		{"a resident worker", 1.5, worker, workerInC, small, 0, 10000},
		{"a resident worker, 100 KB", 2, worker, workerInC, medium, 0, 5000},
		{"a program kept ready, 5 ms between events", 0.35, t.run("standby: cat", []string{"cat"}, "BOOTSTRAP_STANDBY=true"), cat, small, 5 * time.Millisecond, 300},
		{"6 MiB through `cat`", 1.2, cat, catInC, large, 0, 50},
	}
}

// A moreRow is a row whose target is how much longer ours may take, not a ratio.
type moreRow struct {
	row
	more time.Duration
}

func moreRows(t *tools) []moreRow {
	const others = 30
	bash := t.function("bash function", t.bash)
	bash.whole = true
	return []moreRow{
		{row{"looking for what an event leaves behind, among 30 processes: a bash function", 0, t.amid(bash, others, false), t.amid(bash, others, true), small, 0, 300},
			200 * time.Microsecond},
	}
}

// A memoryRow is the memory that the runtime itself takes, in MB.
type memoryRow struct {
	measure   string
	atMost    float64
	contender contender
	field     string // VmRSS or VmHWM
	size      int    // of an event
	times     int    // events; 0: it is ready
	want      outcome
}

func memoryRows(t *tools) []memoryRow {
	cat := t.run("program: cat", []string{"cat"})
	child := t.run("program: minimal child", []string{t.child})
	logs := t.run("much log", []string{"sh", "-c", "yes a line of a log | head -c 1073741824 >&2"})
	logs.noLog = true
	prints := t.run("much output", []string{"head", "-c", "1073741824", "/dev/zero"})
	return []memoryRow{
		{"resident memory when ready", 4, cat, "VmRSS", small, 0, nil},
		{"resident memory after 10,000 events", 6, child, "VmRSS", small, 10000, echo},
		{"peak memory, 6 MiB in and out through `cat`", 26, cat, "VmHWM", large, 20, echo},
		{"peak memory, a program that logs 1 GiB", 20, logs, "VmHWM", small, 1, nothing},
		{"peak memory, a program that prints 1 GiB", 20, prints, "VmHWM", small, 1, tooLarge},
	}
}

const binaryAtMost = 4 // MB
