package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A report holds all measurements.
type report struct {
	rounds      int
	comparisons []*comparison
	more        []moreComparison
	costs       []cost
	memory      []taken
	local       *localReport
	binary      float64 // MB
}

type taken struct {
	memoryRow
	mb     float64
	failed error
}

const (
	ratiosHeader  = "| measure | target ratio, at most | ratio | bootstrap | compared with |\n| --- | --- | --- | --- | --- |\n"
	figuresHeader = "| measure | target, at most | bootstrap |\n| --- | --- | --- |\n"
)

// ratios returns the comparisons as a table.
func (r *report) ratios() string {
	var b strings.Builder
	b.WriteString(ratiosHeader)
	for _, c := range r.comparisons {
		if c.failed != nil {
			line(&b, c.measure, ratio(c.atMost), missing(c.failed), "", c.theirs.way)
			continue
		}
		got, mine, other := c.middle()
		line(&b, c.measure, ratio(c.atMost), mark(ratio(got), got > c.atMost), duration(mine), c.theirs.way+": "+duration(other))
	}
	return b.String()
}

// figures returns what has a target in its own unit as a table.
func (r *report) figures() string {
	var b strings.Builder
	b.WriteString(figuresHeader)
	for _, c := range r.more {
		if c.failed != nil {
			line(&b, c.measure, duration(c.most), missing(c.failed))
			continue
		}
		line(&b, c.measure, duration(c.most), mark(duration(c.more()), c.more() > c.most))
	}
	for _, c := range r.costs {
		got := mark(duration(c.more), c.more > c.atMost)
		if c.failed != nil {
			got = missing(c.failed)
		}
		line(&b, c.measure, duration(c.atMost), got)
	}
	for _, m := range r.memory {
		got := mark(megabytes(m.mb), m.mb > m.atMost)
		if m.failed != nil {
			got = missing(m.failed)
		}
		line(&b, m.measure, megabytes(m.atMost), got)
	}
	line(&b, "size of the program", megabytes(binaryAtMost), mark(megabytes(r.binary), r.binary > binaryAtMost))
	return b.String()
}

func line(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// mark highlights a missed aim.
func mark(text string, missed bool) string {
	if missed {
		return "**" + text + "**"
	}
	return text
}

// missing returns the text of a cell without a figure.
func missing(err error) string { return "**not measured**: " + cell(err) }

// cell returns an error, shortened and escaped.
func cell(err error) string {
	text := strings.NewReplacer("|", "/", "\n", " ", "`", "'").Replace(err.Error())
	return text[:min(len(text), 400)]
}

func ratio(r float64) string {
	if r < 0.1 {
		return fmt.Sprintf("%.3f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

func megabytes(mb float64) string { return fmt.Sprintf("%.1f MB", mb) }

func duration(d time.Duration) string {
	switch {
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}

// write writes the page, and the plot beside it.
func (r *report) write(page string) error {
	plot := strings.TrimSuffix(page, filepath.Ext(page)) + ".svg"
	if err := write(page, r.page(filepath.Base(plot))); err != nil {
		return err
	}
	return r.draw(plot)
}

func (r *report) draw(file string) error {
	cmd := exec.Command("python3", home+"/plot.py")
	cmd.Stdin = strings.NewReader(ways(r.comparisons).tsv())
	cmd.Stderr = os.Stderr
	svg, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("cannot draw the plot: %w", err)
	}
	return os.WriteFile(file, svg, 0o644)
}
