package integration

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestReadmeNumbers checks that each time in the README's comparison is a
// rounded value of docs/benchmarks.md.
func TestReadmeNumbers(t *testing.T) {
	var measured []float64 // milliseconds
	for _, m := range regexp.MustCompile(`([0-9.]+) (ms|µs)`).FindAllStringSubmatch(readDocument(t, "docs/benchmarks.md"), -1) {
		value, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if m[2] == "µs" {
			value /= 1000
		}
		measured = append(measured, value)
	}
	_, table, _ := strings.Cut(readDocument(t, "README.md"), "## Compared")
	times := regexp.MustCompile(`\| ([0-9.]+) ms`).FindAllStringSubmatch(table, -1)
	if len(times) == 0 {
		t.Fatal("the README compares nothing")
	}
	for _, m := range times {
		if !hasRounded(measured, m[1]) {
			t.Errorf("the README says %s ms, which docs/benchmarks.md does not", m[1])
		}
	}
}

// hasRounded reports whether one of the values, rounded to as many decimals as
// the text has, is the text.
func hasRounded(values []float64, text string) bool {
	_, decimals, _ := strings.Cut(text, ".")
	for _, value := range values {
		if strconv.FormatFloat(value, 'f', len(decimals), 64) == text {
			return true
		}
	}
	return false
}
