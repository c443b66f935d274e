package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A way is a contender that serves events, and its median for each size.
type way struct {
	name string
	p50  map[int]time.Duration
}

type wayList []way

// ways returns the ways of all rows, fastest first. A way in several rows has the
// median of all its rounds.
func ways(all []*comparison) wayList {
	rounds := map[string]map[int][]time.Duration{}
	add := func(c *comparison, side contender, p50s []time.Duration) {
		name := side.way
		if c.pause > 0 {
			name += fmt.Sprintf(" (%d ms pause)", c.pause.Milliseconds())
		}
		if rounds[name] == nil {
			rounds[name] = map[int][]time.Duration{}
		}
		rounds[name][c.size] = append(rounds[name][c.size], p50s...)
	}
	for _, c := range all {
		if c.failed == nil && c.size > 0 {
			add(c, c.ours, c.mine)
			add(c, c.theirs, c.other)
		}
	}
	var list wayList
	for name, sizes := range rounds {
		w := way{name, map[int]time.Duration{}}
		for size, p50s := range sizes {
			w.p50[size] = median(p50s)
		}
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b way) int { return cmp.Compare(a.p50[small], b.p50[small]) })
	return list
}

// tsv returns the data of the plot: small events, in microseconds.
func (l wayList) tsv() string {
	var b strings.Builder
	for _, w := range l {
		if p50, ok := w.p50[small]; ok {
			fmt.Fprintf(&b, "%s\t%.1f\n", w.name, float64(p50)/1e3)
		}
	}
	return b.String()
}

func (l wayList) table() string {
	var b strings.Builder
	b.WriteString("| | 100 bytes | 100 KB | 6 MiB |\n| --- | --- | --- | --- |\n")
	for _, w := range l {
		cells := []string{w.name}
		for _, size := range []int{small, medium, large} {
			cell := "–"
			if p50, ok := w.p50[size]; ok {
				cell = duration(p50)
			}
			cells = append(cells, cell)
		}
		line(&b, cells...)
	}
	return b.String()
}
