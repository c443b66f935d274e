package main

import (
	"fmt"
	"slices"
	"time"
)

// A comparison is the result of a row: each side's median of each round, or an error.
type comparison struct {
	row
	mine, other []time.Duration
	failed      error
}

// compare runs all rows in each round, and the two sides of a row one after the other,
// so that both have the same load on the machine.
func compare(rows []row, e effort, progress func(string)) []*comparison {
	var all []*comparison
	for _, r := range rows {
		r.times = max(r.times/e.part, 5)
		all = append(all, &comparison{row: r})
	}
	for n := range e.rounds {
		progress(fmt.Sprintf("round %d of %d", n+1, e.rounds))
		for _, c := range all {
			if c.failed == nil {
				c.failed = c.round()
			}
		}
	}
	return all
}

// A moreComparison is the result of a moreRow.
type moreComparison struct {
	*comparison
	most time.Duration
}

func compareMore(rows []moreRow, e effort, progress func(string)) (all []moreComparison) {
	var plain []row
	for _, r := range rows {
		plain = append(plain, r.row)
	}
	for n, c := range compare(plain, e, progress) {
		all = append(all, moreComparison{c, rows[n].more})
	}
	return all
}

// more returns how much longer ours takes, in the middle round.
func (c moreComparison) more() time.Duration {
	_, mine, other := c.middle()
	return mine - other
}

func (c *comparison) round() error {
	side := c.events
	if c.size == 0 {
		side = c.starts
	}
	mine, other, err := side()
	if err == nil {
		c.mine, c.other = append(c.mine, median(mine)), append(c.other, median(other))
	}
	return err
}

// middle returns the round with the median ratio. The ratio of a round on a slow
// machine is still valid, but its times are not.
func (c *comparison) middle() (ratio float64, mine, other time.Duration) {
	var ratios []float64
	for n := range c.mine {
		ratios = append(ratios, float64(c.mine[n])/float64(c.other[n]))
	}
	ratio = median(ratios)
	n := slices.Index(ratios, ratio)
	return ratio, c.mine[n], c.other[n]
}

// starts measures the time until both sides are ready, alternately.
func (c *comparison) starts() (mine, other []time.Duration, err error) {
	for range c.times {
		for _, side := range []struct {
			contender contender
			times     *[]time.Duration
		}{{c.ours, &mine}, {c.theirs, &other}} {
			i, err := start(side.contender)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", side.contender.way, err)
			}
			i.stop()
			*side.times = append(*side.times, i.ready)
		}
	}
	return mine, other, nil
}

func (c *comparison) events() (mine, other []time.Duration, err error) {
	ev := newEvent(c.size)
	if mine, err = latencies(c.ours, ev, c.pause, c.times); err != nil {
		return nil, nil, err
	}
	other, err = latencies(c.theirs, ev, c.pause, c.times)
	return mine, other, err
}

// latencies measures a number of events, after some events to warm up.
func latencies(c contender, ev *event, pause time.Duration, number int) ([]time.Duration, error) {
	i, err := start(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.way, err)
	}
	defer i.stop()
	all := make([]time.Duration, 0, number)
	for n := -min(100, number/4); n < number; n++ {
		time.Sleep(pause)
		took, err := i.invoke(ev, echo)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.way, i.explain(err))
		}
		if c.whole {
			took = i.cycle
		}
		if n >= 0 {
			all = append(all, took)
		}
	}
	return all, nil
}

// take returns the memory of a row.
func (r memoryRow) take() (float64, error) {
	i, err := start(r.contender)
	if err != nil {
		return 0, err
	}
	defer i.stop()
	ev := newEvent(r.size)
	for range r.times {
		if _, err := i.invoke(ev, r.want); err != nil {
			return 0, i.explain(err)
		}
	}
	return memory(i.pid, r.field)
}
