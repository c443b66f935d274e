package main

import (
	"slices"
	"strings"
)

// unknownOptions finds, among NAME=value, options that do not exist, and the option
// that each is nearest to: most likely a slip.
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

// typoDistance is how unlikely it is that the option was meant: to forget its end is
// the least of slips.
func typoDistance(name, option string) int {
	if strings.HasPrefix(option, name) && option != name {
		return 1
	}
	return editDistance(name, option)
}

// editDistance is how many letters to insert, delete or replace to make b of a.
func editDistance(a, b string) int {
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
