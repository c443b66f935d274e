package main

import (
	"bytes"
	"strings"
	"testing"
)

// A pipe gets plain text, in lines of any length.
func TestPainterPlain(t *testing.T) {
	p := newPainter(&bytes.Buffer{})
	long := strings.Repeat("word ", 50)
	if got := p.red(p.wrap(long, 4)); got != long || p.terminal {
		t.Errorf("got %q", got)
	}
}

// A terminal gets lines within its width.
func TestPainterWrap(t *testing.T) {
	p := &painter{terminal: true, width: 40, colour: true}
	got := p.wrap(strings.Repeat("wörd ", 20)+strings.Repeat("x", 60), 8)
	for i, line := range strings.Split(got, "\n") {
		switch words := strings.TrimLeft(line, " "); {
		case i > 0 && len(line)-len(words) != 8:
			t.Errorf("got the line %q, want 8 blanks before it", line)
		case strings.Contains(words, " ") && len([]rune(words)) > 32:
			t.Errorf("got the line %q, which is too long", line)
		}
	}
	if got := p.red("x"); got != "\x1b[1;31mx\x1b[0m" {
		t.Errorf("got %q", got)
	}
}

func TestRelocate(t *testing.T) {
	text := "# A [link](../../docs/worker.md)\n    bootstrapctl invoke -dir examples/worker -repeat 2 -event-file examples/worker/event.json\n"
	want := "# A link\n    bootstrapctl invoke -repeat 2 -event-file event.json\n"
	if got := string(relocate([]byte(text), "worker")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The commands that init prints quote its folder for a shell.
func TestNext(t *testing.T) {
	for dir, want := range map[string]string{
		".":     "  bootstrapctl invoke -event-file event.json\n  bootstrapctl doctor\n  bootstrapctl pack\n",
		"a":     "  bootstrapctl invoke -dir a -event-file a/event.json\n  bootstrapctl doctor a\n  bootstrapctl pack a\n",
		"my fn": "  bootstrapctl invoke -dir 'my fn' -event-file 'my fn/event.json'\n  bootstrapctl doctor 'my fn'\n  bootstrapctl pack 'my fn'\n",
	} {
		if got := next(dir); got != want {
			t.Errorf("%s: got %q, want %q", dir, got, want)
		}
	}
}

// Each subcommand has a line in the help, in 80 columns.
func TestUsage(t *testing.T) {
	for line := range strings.Lines(usage()) {
		if len(line) > 80 {
			t.Errorf("got a line of %d columns: %s", len(line), line)
		}
	}
	for _, c := range subcommands {
		if !strings.Contains(usage(), "bootstrapctl "+c.name) {
			t.Errorf("%s is not in the help", c.name)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"--help"}, nil, &stdout, &stderr); status != 0 || stdout.String() != usage() {
		t.Errorf("got status %d, %s", status, stdout.String())
	}
	if status := run(t.Context(), nil, nil, &stdout, &stderr); status != exitUsage || stderr.String() != usage() {
		t.Errorf("got status %d, %s", status, stderr.String())
	}
}

// Flags may follow the folder.
func TestParse(t *testing.T) {
	var d deployment
	flags := newFlags("pack", "", "", &bytes.Buffer{})
	d.flags(flags)
	rest, _, ok := parse(flags, []string{"dir", "-arch", "x86_64", "-env", "A=1", "-env", "B=2"})
	if _, err := d.check(); !ok || err != nil || len(rest) != 1 || d.arch != "amd64" || len(d.env) != 2 {
		t.Errorf("got %q, %+v, %v", rest, d, err)
	}
	for _, args := range [][]string{{"-h"}, {"-nothing"}} {
		if _, status, ok := parse(flags, args); ok || status == exitFailure {
			t.Errorf("%q: got status %d, %v", args, status, ok)
		}
	}
}
