package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Board shows the invocations and the logs of several functions, line by line.
type Board struct {
	out        io.Writer
	text       palette
	onTerminal bool
	verbose    bool

	mu      sync.Mutex
	width   int // of the column with the names
	tallies map[string]*boardTally
	names   []string // in the order of their first invocation
}

// NewBoard returns a board that writes to out. A verbose board also shows the
// runtime's own lines.
func NewBoard(out io.Writer, verbose bool, getenv func(string) string) *Board {
	return &Board{out: out, text: paletteFor(out, getenv), onTerminal: isTerminal(out), verbose: verbose, tallies: map[string]*boardTally{}}
}

// Reserve makes the column with the names wide enough for a function.
func (b *Board) Reserve(function string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.width = max(b.width, utf8.RuneCountInString(function))
}

// An Entry is an invocation as a Board shows it.
type Entry struct {
	Function string
	Via      string        // where the event came from
	Time     time.Time     // when it arrived
	Took     time.Duration // from its delivery to its outcome; 0: it was not delivered
	Start    time.Duration // of the instance; 0: it was warm, or there was none
	Wait     time.Duration // in the queue
	Memory   int64         // bytes; 0: unknown
	Error    string        // empty: it succeeded
}

// indent is the width of the columns before the name of a function.
const indent = "           "

// Show shows an invocation and counts it.
func (b *Board) Show(e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(e)
	sign := b.text.paint(green, "✓")
	if e.Error != "" {
		sign = b.text.paint(red, "✗")
	}
	details := fmt.Sprintf("%-18s %9s  %s", e.state(), memory(e.Memory), printable(e.Via))
	if e.Wait > time.Millisecond {
		details += ", queued " + duration(e.Wait)
	}
	b.write(fmt.Sprintf("%s %s %s %s  %s", b.text.paint(dim, e.Time.Format("15:04:05")), sign, b.name(e.Function), e.took(), b.text.paint(dim, details)))
	if e.Error != "" {
		b.write(b.text.paint(red, indent+strings.Join(reasonLines(e.Error), "\n"+indent)))
	}
}

// took returns how long the function ran, padded to the width of its column.
func (e Entry) took() string {
	if e.Took == 0 {
		return fmt.Sprintf("%8s", "-")
	}
	return fmt.Sprintf("%8s", duration(e.Took))
}

// state says whether the instance was started for the event.
func (e Entry) state() string {
	switch {
	case e.Start > 0:
		return "cold start " + duration(e.Start)
	case e.Took > 0:
		return "warm"
	}
	return "did not run"
}

// Limits on how much of a failure is shown. The caller of the function gets all of
// it.
const (
	maxReasonLines = 12
	maxReason      = 500 // characters of a line
)

// reasonLines returns the lines of a failure, cut to the limits.
func reasonLines(reason string) []string {
	lines := strings.Split(strings.TrimRight(reason, "\n"), "\n")
	if len(lines) > maxReasonLines {
		lines = append(lines[:maxReasonLines], "…")
	}
	for i, line := range lines {
		if utf8.RuneCountInString(line) > maxReason {
			line = string([]rune(line)[:maxReason]) + "…"
		}
		lines[i] = printable(line)
	}
	return lines
}

func memory(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}

// name returns the name of a function as wide as the column, which grows.
func (b *Board) name(name string) string {
	b.width = max(b.width, utf8.RuneCountInString(name))
	return b.text.paint(bold, fmt.Sprintf("%-*s", b.width, name))
}

// Line shows a line of a function's log. It leaves out the runtime's own lines,
// except warnings and errors. On a terminal, control characters other than colours
// are shown as text: a function must not move the cursor or clear the screen of the
// others.
func (b *Board) Line(function string, line []byte) {
	text := strings.TrimSuffix(string(line), "\n")
	if b.onTerminal {
		text = printable(text)
	}
	if !b.verbose && ownLevel(text) != "" {
		if text = b.ownText(text); text == "" {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write(indent + b.text.paint(dim, fmt.Sprintf("%-*s | ", b.width, function)) + text)
}

// ownText returns the text to show for one of the runtime's own lines: for a
// warning, and for an error unless the failure repeats it. For other lines it
// returns an empty string.
func (b *Board) ownText(line string) string {
	color := yellow
	switch ownLevel(line) {
	case "WARN":
	case "ERROR":
		color = red
	default:
		return ""
	}
	own, _ := readOwn(line) // it has a level, so it is one
	if strings.HasPrefix(own.value("error"), cannotStart) {
		return ""
	}
	return b.text.paint(color, "bootstrap: "+own.short())
}

// Print shows a line as it is.
func (b *Board) Print(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write(fmt.Sprintf(format, args...))
}

// Note shows a line in a dim colour, because it matters less.
func (b *Board) Note(format string, args ...any) {
	b.Print("%s", b.text.paint(dim, fmt.Sprintf(format, args...)))
}

// Warn shows a warning.
func (b *Board) Warn(format string, args ...any) {
	b.Print("%s", b.text.paint(yellow, "warning: "+fmt.Sprintf(format, args...)))
}

// Error shows an error that does not end the program.
func (b *Board) Error(format string, args ...any) {
	b.Print("%s", b.text.paint(red, "error: "+fmt.Sprintf(format, args...)))
}

// Title shows a line that matters most.
func (b *Board) Title(format string, args ...any) {
	b.Print("%s", b.text.paint(bold, fmt.Sprintf(format, args...)))
}

// Heading shows a name that matters, and a text.
func (b *Board) Heading(name, format string, args ...any) {
	b.Print("  %s%s", b.text.paint(bold, name), b.text.paint(dim, fmt.Sprintf(format, args...)))
}

func (b *Board) write(line string) { _, _ = io.WriteString(b.out, line+"\n") } // there is nowhere to report an error

// maxTook is how many durations of a function the summary uses: the latest ones.
const maxTook = 10_000

// A boardTally counts the invocations of a function.
type boardTally struct {
	all, ran, failed, cold int
	took                   []time.Duration // a ring of the latest
}

func (b *Board) count(e Entry) {
	t := b.tallies[e.Function]
	if t == nil {
		t = &boardTally{}
		b.tallies[e.Function] = t
		b.names = append(b.names, e.Function)
	}
	t.all++
	if e.Error != "" {
		t.failed++
	}
	if e.Start > 0 {
		t.cold++
	}
	if e.Took > 0 {
		t.addTook(e.Took)
	}
}

func (t *boardTally) addTook(d time.Duration) {
	if len(t.took) < maxTook {
		t.took = append(t.took, d)
	} else {
		t.took[t.ran%maxTook] = d
	}
	t.ran++
}

// Summary shows a table of all functions that had events.
func (b *Board) Summary() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.names) == 0 {
		return
	}
	width := max(b.width, len("function"))
	b.write("\n" + b.text.paint(bold, fmt.Sprintf(summaryForm, width, "function", "ok", "failed", "cold", "p50", "p95", "max")))
	for _, name := range b.names {
		t := b.tallies[name]
		color := green
		if t.failed > 0 {
			color = red
		}
		times := t.percentiles(50, 95, 100)
		b.write(b.text.paint(color, fmt.Sprintf(summaryForm, width, name, fmt.Sprint(t.all-t.failed), fmt.Sprint(t.failed), fmt.Sprint(t.cold), times[0], times[1], times[2])))
	}
}

const summaryForm = "%-*s %8s %8s %8s %10s %10s %10s"

// percentiles returns percentiles of the durations, as text.
func (t *boardTally) percentiles(all ...int) (texts []string) {
	sorted := Tally{took: slices.Sorted(slices.Values(t.took))}
	for _, p := range all {
		text := "-"
		if len(sorted.took) > 0 {
			text = duration(sorted.percentile(p))
		}
		texts = append(texts, text)
	}
	return texts
}
