package command

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A line fails if a stage of its pipeline fails, but not if a reader stops
// early.
func TestLine(t *testing.T) {
	if findBash() == "" {
		t.Fatal("the test needs bash")
	}
	tests := []struct {
		line   string
		status int
		stdout string
	}{
		{"echo a", 0, "a\n"},
		{"echo a | cat", 0, "a\n"},
		{"nowhere | cat", 127, ""},
		{"(exit 3) | cat", 3, ""},
		{"echo a | (exit 4)", 4, ""},
		{"(exit 3) | cat | (exit 4)", 4, ""},
		{"seq 1000000 | head -n 1", 0, "1\n"},
		{"seq 1000000 | cat | head -n 1", 0, "1\n"},
		{"(exit 3) | seq 1000000 | head -n 1", 3, "1\n"},
		{"seq 1000000 | (head -n 1; exit 5)", 5, "1\n"},
		{"(exit 3) | cat || echo handled", 0, "handled\n"},
		{"(exit 3) | cat && echo more", 3, ""},
		{"(exit 3) | cat; exit 0", 0, ""},
		{"echo a | cat; kill -PIPE $$", 141, "a\n"},
		{"echo a | cat; (exit 141)", 141, "a\n"},
		{`printf "%s" "$0 $1" | cat`, 0, "bash event"},
		{"echo a | cat # a comment", 0, "a\n"},
		{"set -euo pipefail; seq 1000000 | head -n 1", 0, "1\n"},
	}
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			args := append(lineArguments(test.line), "event")
			out, err := exec.Command(args[0], args[1:]...).Output()
			status := 0
			if exit, ok := err.(*exec.ExitError); ok {
				status = exit.ExitCode()
				if status < 0 {
					status = 141 // killed by SIGPIPE
				}
			}
			if status != test.status || string(out) != test.stdout {
				t.Errorf("got status %d and %q, want %d and %q", status, out, test.status, test.stdout)
			}
		})
	}
}

func TestLineShell(t *testing.T) {
	before := bashPaths
	t.Cleanup(func() { bashPaths = before })
	bash := findBash()
	tests := []struct {
		name, line string
		bashPaths  []string
		want       []string
	}{
		{"no pipeline", "echo a", before, []string{bash, "-c", "echo a", "bash"}},
		{"no bash", "echo a | cat", []string{"/nowhere/bash", t.TempDir()}, []string{"/bin/sh", "-c", "echo a | cat", "sh"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bashPaths = test.bashPaths
			if got := lineArguments(test.line); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFirstWords(t *testing.T) {
	for line, want := range map[string]string{
		"":                     "",
		"tool":                 "tool",
		" ./tool  a b":         "./tool a",
		"tool;other":           "tool",
		"tool|other x":         "tool",
		"A= B=c exec tool a>b": "tool a",
		`["tool", "a"]`:        "",
		"if tool":              "if tool",
		"> file":               "",
		`"$HOME"/tool a`:       `"$HOME"/tool a`,
		"tool\nother":          "tool",
	} {
		if got := strings.Join(FirstWords(line), " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
