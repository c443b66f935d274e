package tencent

import (
	"slices"
	"strings"
)

// A page is the part of a list that a call asks for.
type page struct {
	offset, limit *int64
	field         string // the field to sort by; empty for the list's own order
	direction     string // ASC or DESC, in any case
}

// An order compares elements by each field that a list can be sorted by.
type order[T any] map[string]func(a, b T) int

// cut sorts a list and returns a page of it.
func cut[T any](all []T, p page, by order[T]) ([]T, error) {
	compare, ok := by[p.field]
	if p.field != "" && !ok {
		return nil, fail("InvalidParameterValue.OrderBy", "cannot sort by %q", short(p.field))
	}
	all = slices.Clone(all)
	if ok {
		slices.SortStableFunc(all, compare)
	}
	switch strings.ToUpper(p.direction) {
	case "ASC":
	case "DESC":
		slices.Reverse(all)
	default:
		return nil, fail("InvalidParameterValue.Order", "the order is %q: expected ASC or DESC", short(p.direction))
	}
	from, to, err := p.bounds(len(all))
	return append([]T{}, all[from:to]...), err // an empty list in JSON
}

const (
	defaultLimit = 20
	maxEnd       = 10000 // of a page
)

// bounds returns where a page of a list with n elements begins and ends.
func (p page) bounds(n int) (from, to int, err error) {
	offset, limit := int64(0), int64(defaultLimit)
	if p.offset != nil {
		offset = *p.offset
	}
	if p.limit != nil {
		limit = *p.limit
	}
	switch {
	case offset < 0 || offset > maxEnd:
		return 0, 0, fail("InvalidParameterValue.Offset", "the offset is %d: expected 0 to %d", offset, maxEnd)
	case limit < 0 || limit > maxEnd:
		return 0, 0, fail("InvalidParameterValue.Limit", "the limit is %d: expected 0 to %d", limit, maxEnd)
	}
	from = min(int(offset), n)
	return from, min(from+int(limit), n), nil
}
