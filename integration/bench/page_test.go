package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPageIsGenerated checks that docs/benchmarks.md consists of the template's
// text and of values in its gaps.
func TestPageIsGenerated(t *testing.T) {
	page, err := os.ReadFile("../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	rest := string(page)
	for _, text := range regexp.MustCompile(`%[sd]`).Split(template, -1) {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Fatalf("docs/benchmarks.md lacks this text of the template: run make bench:\n%s", text)
		}
		rest = after
	}
	for _, header := range []string{ratiosHeader, figuresHeader, targetsHeader, loadsHeader} {
		if !strings.Contains(string(page), header) {
			t.Errorf("docs/benchmarks.md lacks the table header %q", header)
		}
	}
}
