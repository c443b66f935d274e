package main

import (
	"cmp"
	"slices"
)

// median is the middle of the values, the upper one of two. They must not be
// empty; they keep their order.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
