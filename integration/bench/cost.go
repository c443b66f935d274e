package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A costRow compares the processor time that the runtime itself uses for two kinds of
// events.
type costRow struct {
	measure     string
	atMost      time.Duration
	contender   contender
	dear, cheap *event
	times       int // events
}

func costRows(t *tools) []costRow {
	worker := t.resident("worker in C", t.worker)
	worker.on = functionGraph
	return []costRow{
		{"processor time that a new token of 1 KB adds to an event, FunctionGraph", 50 * time.Microsecond, worker, newTokenEvent(true), newTokenEvent(false), 20000},
	}
}

// A cost is the result of a costRow.
type cost struct {
	costRow
	more, cheap time.Duration
	failed      error
}

func (r costRow) take() cost {
	dear, err := r.each(r.dear)
	if err != nil {
		return cost{costRow: r, failed: err}
	}
	cheap, err := r.each(r.cheap)
	return cost{r, max(0, dear-cheap), cheap, err}
}

// each returns the processor time per event.
func (r costRow) each(ev *event) (time.Duration, error) {
	i, err := start(r.contender)
	if err != nil {
		return 0, err
	}
	defer i.stop()
	before := processorTime(i.pid)
	for range r.times {
		if _, err := i.invoke(ev, echo); err != nil {
			return 0, i.explain(err)
		}
	}
	return (processorTime(i.pid) - before) / time.Duration(r.times), nil
}

// processorTime returns how much processor time a process has used, in steps of 10 ms.
func processorTime(pid int) time.Duration {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // gone: nothing
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(string(fields[11])) // the kernel wrote these
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * 10 * time.Millisecond
}
