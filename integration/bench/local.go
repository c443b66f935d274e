package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// callerCounts says how many callers invoke the function at the same time.
var callerCounts = []int{1, 4, 50}

// A sideBySide holds what one front has shown in all rounds.
type sideBySide struct {
	name     string
	firsts   []time.Duration // from the start of the command until the first answer
	loads    map[int][]load  // by the number of callers
	failures map[int]error   // by the number of callers; 0: the start
	idle     float64         // resident memory in MB after the first event
	early    float64         // after a tenth of the events
	late     float64         // after all events
	memory   error           // why there are no figures of memory
}

// A localReport compares bootstrapctl local with AWS's emulator.
type localReport struct {
	ours, theirs *sideBySide
	inProcess    []time.Duration // median of each round: package emulator without HTTP in front
	inProcessErr error
	events       int // for memory
}

// A localEffort says how much to measure.
type localEffort struct {
	rounds int
	events int // of each number of callers in a round
	starts int // in a round
	memory int // events between the figures of memory
}

// measureLocal runs both sides one after the other in each round.
func measureLocal(t *tools, e localEffort, progress func(string)) *localReport {
	r := &localReport{ours: newSide(t.local()), theirs: newSide(t.emulator()), events: e.memory}
	sides := []struct {
		*sideBySide
		front
	}{{r.ours, t.local()}, {r.theirs, t.emulator()}}
	for n := range e.rounds {
		progress(fmt.Sprintf("local platform, round %d of %d", n+1, e.rounds))
		for _, side := range sides {
			side.round(side.front, e)
		}
		if r.inProcessErr == nil {
			r.inProcessErr = r.withoutFront(t, e.events)
		}
	}
	for _, side := range sides {
		progress("local platform, memory of " + side.front.name)
		side.memory = side.weigh(side.front, e.memory)
	}
	return r
}

func newSide(f front) *sideBySide {
	return &sideBySide{name: f.name, loads: map[int][]load{}, failures: map[int]error{}}
}

// round adds a round of starts and of loads. Something that has failed is not tried
// again.
func (b *sideBySide) round(f front, e localEffort) {
	for n := 0; n < e.starts && b.failures[0] == nil; n++ {
		s, err := f.serve()
		if err != nil {
			b.failures[0] = err
			return
		}
		b.firsts = append(b.firsts, s.first)
		s.stop()
	}
	for _, callers := range callerCounts {
		if b.failures[0] == nil && b.failures[callers] == nil {
			b.failures[callers] = b.load(f, callers, e.events)
		}
	}
}

// load adds the figures of a number of callers, after some events to warm up.
func (b *sideBySide) load(f front, callers, events int) error {
	s, err := f.serve()
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := invokeAll(s.address, callers, max(callers, events/10)); err != nil {
		return s.explain(err)
	}
	figures, err := invokeAll(s.address, callers, events)
	if err != nil {
		return s.explain(err)
	}
	b.loads[callers] = append(b.loads[callers], figures)
	return nil
}

// weigh notes the memory of the front itself, in one long run.
func (b *sideBySide) weigh(f front, events int) error {
	s, err := f.serve()
	if err != nil {
		return err
	}
	defer s.stop()
	for _, step := range []struct {
		events int
		to     *float64
	}{{0, &b.idle}, {events / 10, &b.early}, {events - events/10, &b.late}} {
		if step.events > 0 {
			if _, err := invokeAll(s.address, 1, step.events); err != nil {
				return s.explain(err)
			}
		}
		if *step.to, err = memory(s.pid, "VmRSS"); err != nil {
			return err
		}
	}
	return nil
}

// middle returns the round with the median p50 for a number of callers.
func (b *sideBySide) middle(callers int) load {
	sorted := slices.SortedFunc(slices.Values(b.loads[callers]), func(x, y load) int { return int(x.p50 - y.p50) })
	return sorted[len(sorted)/2]
}

// withoutFront adds a round in which the same function runs in package emulator, in this
// process and without HTTP in front of it.
func (r *localReport) withoutFront(t *tools, events int) error {
	s, err := emulator.New(protocol.Lambda, emulator.Function{
		Handler: "index.main_handler", Dir: t.bash, Timeout: time.Minute, Env: t.workerEnv(), LimitMemory: true,
	})
	if err != nil {
		return err
	}
	defer s.Close()
	runner := emulator.NewRunner(s, []string{t.bootstrap}, io.Discard, io.Discard)
	defer runner.Clear()
	defer runner.Stop()
	var took []time.Duration
	for n := -max(1, events/10); n < events; n++ {
		began := time.Now()
		out, err := runner.Invoke(context.Background(), emulator.Event{Body: newEvent(small).body})
		if err == nil && out.Kind != emulator.Result {
			err = fmt.Errorf("the outcome is %v: %s", out.Kind, out.Reason)
		}
		if err != nil {
			return err
		}
		if n >= 0 {
			took = append(took, time.Since(began))
		}
	}
	r.inProcess = append(r.inProcess, median(took))
	return nil
}
