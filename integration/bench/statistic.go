package main

import (
	"cmp"
	"slices"
)

// median returns the median of the values, or the upper one of two. There must be at
// least one value. Their order does not change.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
