package main

import (
	"cmp"
	"slices"
	"time"
)

// median returns the median of the values, or the upper one of two. There must be at
// least one value. Their order does not change.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentile returns a percentile of sorted values by the nearest rank. There must be at
// least one value.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}
