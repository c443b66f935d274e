package screen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"bootstrap/protocol/emulator"
)

// A failure is the JSON that a runtime posts instead of a result.
type failure struct {
	ErrorType    string
	ErrorMessage string
	StackTrace   []string
}

// Outcome shows a failure and a line with the figures of an event. It does not
// show the result.
func (s *Screen) Outcome(l *Log, o emulator.Outcome, memory int64) {
	defer l.forget()
	reason := s.reason(l, o)
	if o.Kind != emulator.Result {
		s.failure(l, o)
	}
	if s.options.Quiet {
		return
	}
	line := s.verdict(o, memory)
	if s.options.Verbose {
		line += ", request id " + o.ID
	}
	if reason != "" {
		line += ": " + reason
	}
	s.println(s.text.paint(verdictColor(o.Kind), line))
}

var verdicts = map[emulator.Kind]string{
	emulator.Result:        "ok",
	emulator.Failure:       "failed",
	emulator.InitFailed:    "the start failed",
	emulator.InitTimedOut:  "the start timed out",
	emulator.TimedOut:      "timed out",
	emulator.RuntimeExited: "the runtime exited",
	emulator.OutOfMemory:   "out of memory",
}

func verdictColor(kind emulator.Kind) color {
	if kind == emulator.Result {
		return green
	}
	return red
}

// verdict returns the outcome of an event in words, with its figures.
func (s *Screen) verdict(o emulator.Outcome, memory int64) string {
	switch o.Kind {
	case emulator.InitFailed, emulator.InitTimedOut:
		return verdicts[o.Kind] + " after " + duration(o.Init)
	case emulator.TimedOut, emulator.RuntimeExited, emulator.OutOfMemory:
		return verdicts[o.Kind] + " after " + duration(o.Duration) + s.figures(o.Init, memory)
	}
	return verdicts[o.Kind] + " in " + duration(o.Duration) + s.figures(o.Init, memory)
}

func (s *Screen) figures(start time.Duration, memory int64) (text string) {
	if start > 0 {
		text += ", start " + duration(start)
	}
	if memory > 0 {
		text += fmt.Sprintf(", memory %.1f of %d MB", float64(memory)/(1<<20), s.options.MemoryMB)
	}
	return text
}

// duration formats d with three significant digits.
func duration(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.2f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// failure shows the failure that was posted: its type, its message, and its stack
// unless the log has just shown that.
func (s *Screen) failure(l *Log, o emulator.Outcome) {
	if len(o.Body) == 0 {
		if s.options.Quiet {
			s.println(s.text.paint(red, verdicts[o.Kind]+": "+s.reason(l, o)))
		}
		return
	}
	f, ok := readFailure(o)
	if !ok {
		s.println(s.text.paint(red, strings.TrimRight(string(o.Body), "\n")))
		return
	}
	s.println(s.text.paint(red, f.ErrorType+": ") + s.text.paint(bold, f.ErrorMessage))
	stack := strings.TrimRight(strings.Join(f.StackTrace, "\n"), "\n")
	if stack != "" && (s.options.Quiet || !l.recentlyShows(stack)) {
		s.println("  " + strings.ReplaceAll(stack, "\n", "\n  "))
	}
}

func readFailure(o emulator.Outcome) (f failure, ok bool) {
	err := json.Unmarshal(o.Body, &f)
	f.ErrorType = cmp.Or(f.ErrorType, o.ErrorType)
	return f, err == nil && f.ErrorType+f.ErrorMessage != ""
}

// recentlyShows reports whether the end of the log contains the text.
func (l *Log) recentlyShows(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(string(l.recent), text)
}

// reason returns the reason why an event has no result. If a process exited, it
// adds the last line of the log, which says more than the exit status.
func (s *Screen) reason(l *Log, o emulator.Outcome) string {
	if f, ok := readFailure(o); ok && o.Kind != emulator.Result {
		return f.ErrorType
	}
	if o.Kind != emulator.InitFailed && o.Kind != emulator.RuntimeExited {
		return o.Reason
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch last := l.lastLine(); {
	case l.why != "":
		return fmt.Sprintf("%s (%s)%s", l.why, o.Reason, l.hint())
	case last != "":
		return fmt.Sprintf("%s; its last line: %s", o.Reason, last)
	}
	return o.Reason + "; it wrote nothing"
}

// hint returns a hint if the log holds frames that a worker should write to
// descriptor 3.
func (l *Log) hint() string {
	if !strings.Contains(l.why, "worker") || !frame.Match(l.recent) {
		return ""
	}
	return "; the worker writes its frames to stdout, which is the log: write them to descriptor 3"
}

// frame matches the beginning of a frame, see docs/worker.md.
var frame = regexp.MustCompile(`(?m)^\{"(ready|error)" *:`)

// A Tally counts the outcomes of several events.
type Tally struct {
	took    []time.Duration // of each event
	failed  int
	reasons []string       // distinct reasons of failures, in order
	times   map[string]int // how many failures had that reason
	start   time.Duration
}

// Add counts an outcome, and shows the first failure with each reason.
func (t *Tally) Add(s *Screen, l *Log, o emulator.Outcome) {
	defer l.forget()
	t.took = append(t.took, o.Duration)
	t.start = max(t.start, o.Init)
	if o.Kind == emulator.Result {
		return
	}
	t.failed++
	why := verdicts[o.Kind] + ": " + s.reason(l, o)
	if f, ok := readFailure(o); ok {
		why = f.ErrorType + ": " + f.ErrorMessage
	}
	if t.times == nil {
		t.times = map[string]int{}
	}
	if t.times[why]++; t.times[why] == 1 {
		t.reasons = append(t.reasons, why)
		s.failure(l, o)
	}
}

// Show prints the table.
func (t *Tally) Show(s *Screen, memory int64) {
	if s.options.Quiet || len(t.took) == 0 {
		return
	}
	s.println(s.text.paint(dim, fmt.Sprintf("%d events%s", len(t.took), s.figures(t.start, memory))))
	s.println(s.text.paint(bold, fmt.Sprintf("%8s %8s %10s %10s %10s", "ok", "failed", "p50", "p95", "max")))
	slices.Sort(t.took)
	line := fmt.Sprintf("%8d %8d %10s %10s %10s", len(t.took)-t.failed, t.failed,
		duration(t.percentile(50)), duration(t.percentile(95)), duration(t.percentile(100)))
	color := green
	if t.failed > 0 {
		color = red
	}
	s.println(s.text.paint(color, line))
	for _, why := range t.reasons {
		s.println(s.text.paint(red, fmt.Sprintf("%8d × %s", t.times[why], why)))
	}
}

// percentile returns a percentile by the nearest rank. The durations must be sorted.
func (t *Tally) percentile(p int) time.Duration {
	return t.took[max(0, (len(t.took)*p+99)/100-1)]
}
