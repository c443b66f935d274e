package main

import (
	"slices"
	"strings"

	"bootstrap/internal/nearest"
)

// unknownOptions finds, among NAME=value, options that do not exist, and for
// each the existing one with the most similar name.
func unknownOptions(environ []string) (found, nearest []string) {
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, prefix+"_") {
			continue
		}
		best := slices.MinFunc(options(), func(a, b option) int {
			return typoDistance(name, a.name) - typoDistance(name, b.name)
		}).name
		if best != name {
			found, nearest = append(found, name), append(nearest, best)
		}
	}
	return found, nearest
}

// typoDistance returns how unlikely it is that the option was meant. A name that
// only lacks the end of an option counts as the most likely typo.
func typoDistance(name, option string) int {
	if strings.HasPrefix(option, name) && option != name {
		return 1
	}
	return nearest.Distance(name, option)
}
