package screen

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for line, want := range map[string]string{
		"plain \t täxt ✓":         "plain \t täxt ✓",
		"\x1b[31mred\x1b[0m":      "\x1b[31mred\x1b[0m\x1b[0m",
		"\x1b[2J\x1b[1;31mx":      `\x1b[2J` + "\x1b[1;31mx\x1b[0m",
		"\x1b]0;title\a\r50%":     `\x1b]0;title\x07\x0d50%`,
		"\u009b2J \x00 \xff \x7f": `\u009b2J \x00 \xff \x7f`,
		"\x1b[31":                 `\x1b[31`,
		"":                        "",
	} {
		if got := printable(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[31mred\x1b[2J\xff")
	f.Fuzz(func(t *testing.T, line string) {
		got := printable(line)
		if rest := colors.ReplaceAllString(got, ""); strings.ContainsFunc(rest, isUnsafe) || !utf8.ValidString(got) {
			t.Errorf("%q became %q", line, got)
		}
	})
}

// A long failure is cut, and the summary counts events that did not run.
func TestBoardFailures(t *testing.T) {
	var out bytes.Buffer
	b := NewBoard(&out, false, func(string) string { return "" })
	b.Reserve("longest")
	b.Show(Entry{Function: "f", Error: strings.Repeat(strings.Repeat("ä", 1000)+"\n", 100)})
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2+maxReasonLines || lines[1] != indent+strings.Repeat("ä", maxReason)+"…" || !strings.Contains(lines[0], "did not run") {
		t.Errorf("got %q", lines)
	}
	for range 2 * maxTook {
		b.Show(Entry{Function: "g", Took: time.Second})
	}
	out.Reset()
	b.Summary()
	want := "\nfunction       ok   failed     cold        p50        p95        max\n" +
		"f               0        1        0          -          -          -\n" +
		"g           20000        0        0     1.00 s     1.00 s     1.00 s\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
