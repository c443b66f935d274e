package main

import (
	"slices"
	"strings"
)

// unknown finds, among NAME=value, options that do not exist, and the option
// that each is nearest to: most likely a slip.
func unknown(environ []string) (found, nearest []string) {
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, prefix+"_") {
			continue
		}
		best := slices.MinFunc(options(), func(a, b option) int {
			return slip(name, a.name) - slip(name, b.name)
		}).name
		if best != name {
			found, nearest = append(found, name), append(nearest, best)
		}
	}
	return found, nearest
}

// slip is how unlikely it is that the option was meant: to forget its end is
// the least of slips.
func slip(name, option string) int {
	if strings.HasPrefix(option, name) && option != name {
		return 1
	}
	return distance(name, option)
}

// distance is how many letters to insert, delete or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the first letters of a, to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
