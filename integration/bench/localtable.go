package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	firstAtMost    = 300 * time.Millisecond
	overheadAtMost = 500 * time.Microsecond
	idleAtMost     = 16 // MB
	growthAtMost   = 2  // MB
)

const (
	targetsHeader = "| measure | target, at most | bootstrapctl local | AWS's emulator |\n| --- | --- | --- | --- |\n"
	loadsHeader   = "| callers | bootstrapctl local: events per second | p50 | p99 | AWS's emulator: events per second | p50 | p99 |\n| --- | --- | --- | --- | --- | --- | --- |\n"
)

// targets returns the aims of the local platform and the measurements as a table.
func (r *localReport) targets() string {
	var b strings.Builder
	b.WriteString(targetsHeader)
	line(&b, "start to first answer", duration(firstAtMost), r.ours.first(firstAtMost), r.theirs.first(0))
	line(&b, "warm event, over package emulator", duration(overheadAtMost), r.overhead(r.ours, overheadAtMost), r.overhead(r.theirs, 0))
	line(&b, "resident memory after the first event", megabytes(idleAtMost),
		r.ours.megabytes(r.ours.idle, idleAtMost), r.theirs.megabytes(r.theirs.idle, 0))
	line(&b, fmt.Sprintf("growth of the resident memory from %d to %d events", r.events/10, r.events), megabytes(growthAtMost),
		r.ours.megabytes(r.ours.late-r.ours.early, growthAtMost), r.theirs.megabytes(r.theirs.late-r.theirs.early, 0))
	return b.String()
}

// first returns the time until the first answer. It has no aim if that is 0.
func (b *sideBySide) first(atMost time.Duration) string {
	if err := b.failures[0]; err != nil {
		return missing(err)
	}
	got := median(b.firsts)
	return mark(duration(got), atMost > 0 && got > atMost)
}

// overhead returns how much longer a single caller waits than package emulator needs.
func (r *localReport) overhead(b *sideBySide, atMost time.Duration) string {
	if err := b.failed(1); err != nil {
		return missing(err)
	}
	if r.inProcessErr != nil {
		return missing(r.inProcessErr)
	}
	var more []time.Duration
	for n, l := range b.loads[1] {
		more = append(more, l.p50-r.inProcess[n])
	}
	got := median(more)
	return mark(duration(got), atMost > 0 && got > atMost)
}

func (b *sideBySide) megabytes(mb, atMost float64) string {
	if b.memory != nil {
		return missing(b.memory)
	}
	return mark(megabytes(mb), atMost > 0 && mb > atMost)
}

// failed returns why there are no figures for a number of callers.
func (b *sideBySide) failed(callers int) error {
	if err := b.failures[0]; err != nil {
		return err
	}
	return b.failures[callers]
}

// loads returns a table of what parallel callers have measured.
func (r *localReport) loads() string {
	var b strings.Builder
	b.WriteString(loadsHeader)
	for _, callers := range callerCounts {
		cells := append([]string{fmt.Sprint(callers)}, r.ours.cells(callers)...)
		line(&b, append(cells, r.theirs.cells(callers)...)...)
	}
	return b.String()
}

func (b *sideBySide) cells(callers int) []string {
	if err := b.failures[0]; err != nil {
		return []string{missing(err), "", ""}
	}
	if err := b.failures[callers]; err != nil {
		return []string{"**fails**: " + cell(err), "", ""}
	}
	l := b.middle(callers)
	return []string{fmt.Sprintf("%.0f", l.perSecond), duration(l.p50), duration(l.p99)}
}
