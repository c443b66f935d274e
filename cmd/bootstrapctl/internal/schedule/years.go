package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// firstYear and lastYear bound the years in SCF's expressions
// (cloud.tencent.com/document/product/583/9708). Lambda's document allows years
// up to 2199.
const (
	firstYear = 1970
	lastYear  = 2199
)

// inYears limits a schedule to some years.
type inYears struct {
	schedule Schedule
	years    map[int]bool
	location *time.Location
}

// Next returns the first time after t that is in one of the years.
func (s inYears) Next(t time.Time) time.Time {
	t = t.In(s.location)
	for year := max(t.Year(), firstYear); year <= lastYear; year++ {
		if !s.years[year] {
			continue
		}
		begin := time.Date(year, 1, 1, 0, 0, 0, 0, s.location).Add(-time.Nanosecond)
		if begin.Before(t) {
			begin = t
		}
		if next := s.schedule.Next(begin); next.Year() == year {
			return next
		}
	}
	return time.Time{}
}

// yearsOf reads a field of years: numbers, ranges and steps.
func yearsOf(field string) (map[int]bool, error) {
	years := map[int]bool{}
	for _, part := range strings.Split(field, ",") {
		first, last, step, err := span(part)
		if err != nil {
			return nil, fmt.Errorf("cannot read the years %q: %w", part, err)
		}
		for year := first; year <= last; year += step {
			years[year] = true
		}
	}
	return years, nil
}

// span reads one part of a field of years. A step without a range runs to the last
// year, as in the other fields.
func span(part string) (first, last, step int, err error) {
	bounds, steps, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		if step, err = number(steps, 1, lastYear); err != nil {
			return 0, 0, 0, err
		}
	}
	if bounds == "*" {
		return firstYear, lastYear, step, nil
	}
	from, to, ranged := strings.Cut(bounds, "-")
	if first, err = number(from, firstYear, lastYear); err != nil {
		return 0, 0, 0, err
	}
	switch {
	case ranged:
		last, err = number(to, first, lastYear)
	case stepped:
		last = lastYear
	default:
		last = first
	}
	return first, last, step, err
}

// number reads a number within bounds.
func number(text string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("expected a number from %d to %d", low, high)
	}
	return n, nil
}
