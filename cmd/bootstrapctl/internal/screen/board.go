package screen

import (
	"cmp"
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
	out     io.Writer
	text    palette
	verbose bool

	mu      sync.Mutex
	width   int // of the column with the names
	tallies map[string]*boardTally
	names   []string // in the order of their first invocation
}

// NewBoard returns a board on out. A verbose one shows the runtime's own lines.
func NewBoard(out io.Writer, verbose bool, getenv func(string) string) *Board {
	return &Board{out: out, text: paletteFor(out, getenv), verbose: verbose, tallies: map[string]*boardTally{}}
}

// An Entry is an invocation as a Board shows it.
type Entry struct {
	Function string
	Via      string        // where the event came from
	Time     time.Time     // when it arrived
	Took     time.Duration // from its delivery to its outcome
	Start    time.Duration // of the instance; 0: it was warm
	Wait     time.Duration // in the queue
	Memory   int64         // bytes; 0: unknown
	Error    string        // empty: it succeeded
}

// Show shows an invocation and counts it.
func (b *Board) Show(e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(e)
	sign, state := b.text.paint(green, "✓"), "warm"
	if e.Error != "" {
		sign = b.text.paint(red, "✗")
	}
	if e.Start > 0 {
		state = "cold start " + duration(e.Start)
	}
	if e.Wait > time.Millisecond {
		state += ", queued " + duration(e.Wait)
	}
	line := fmt.Sprintf("%s %s %s %-9s %s", b.text.paint(dim, e.Time.Format("15:04:05")), sign, b.name(e.Function), duration(e.Took),
		b.text.paint(dim, strings.TrimSpace(fmt.Sprintf("%-19s %-8s %s", state, memory(e.Memory), e.Via))))
	if e.Error != "" {
		line += "\n" + b.text.paint(red, "           "+strings.ReplaceAll(e.Error, "\n", "\n           "))
	}
	b.write(line)
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

// Line shows a line of a function's log. It leaves out what the runtime itself says,
// but for warnings and errors.
func (b *Board) Line(function string, line []byte) {
	text := strings.TrimSuffix(string(line), "\n")
	if own, ok := readOwn(text); ok && !b.verbose {
		switch own.level {
		case "ERROR":
			text = b.text.paint(red, "bootstrap: "+own.short())
		case "WARN":
			text = b.text.paint(yellow, "bootstrap: "+own.short())
		default:
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write(b.text.paint(dim, function+" | ") + text)
}

// Print shows a line as it is.
func (b *Board) Print(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write(fmt.Sprintf(format, args...))
}

// Note shows a line that matters less, and Warn one that matters more.
func (b *Board) Note(format string, args ...any) {
	b.Print("%s", b.text.paint(dim, fmt.Sprintf(format, args...)))
}

// Warn shows a warning.
func (b *Board) Warn(format string, args ...any) {
	b.Print("%s", b.text.paint(yellow, "warning: "+fmt.Sprintf(format, args...)))
}

// Title shows a line that matters most.
func (b *Board) Title(format string, args ...any) {
	b.Print("%s", b.text.paint(bold, fmt.Sprintf(format, args...)))
}

func (b *Board) write(line string) { _, _ = io.WriteString(b.out, line+"\n") } // there is nowhere to report an error

// maxTook is how many durations of a function the summary uses: the latest ones.
const maxTook = 10_000

// A boardTally counts the invocations of a function.
type boardTally struct {
	all, failed, cold int
	took              []time.Duration // a ring of the latest
}

func (b *Board) count(e Entry) {
	t := b.tallies[e.Function]
	if t == nil {
		t = &boardTally{}
		b.tallies[e.Function] = t
		b.names = append(b.names, e.Function)
	}
	if len(t.took) < maxTook {
		t.took = append(t.took, e.Took)
	} else {
		t.took[t.all%maxTook] = e.Took
	}
	t.all++
	if e.Error != "" {
		t.failed++
	}
	if e.Start > 0 {
		t.cold++
	}
}

// Summary shows a table of all functions that had events.
func (b *Board) Summary() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.names) == 0 {
		return
	}
	width := cmp.Or(max(b.width, len("function")), 8)
	b.write(b.text.paint(bold, fmt.Sprintf("%-*s %8s %8s %8s %10s %10s %10s", width, "function", "ok", "failed", "cold", "p50", "p95", "max")))
	for _, name := range b.names {
		t := b.tallies[name]
		sorted := Tally{took: slices.Sorted(slices.Values(t.took))}
		color := green
		if t.failed > 0 {
			color = red
		}
		b.write(b.text.paint(color, fmt.Sprintf("%-*s %8d %8d %8d %10s %10s %10s", width, name, t.all-t.failed, t.failed, t.cold,
			duration(sorted.percentile(50)), duration(sorted.percentile(95)), duration(sorted.percentile(100)))))
	}
}
