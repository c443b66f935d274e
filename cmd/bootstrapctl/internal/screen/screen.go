// Package screen shows a person what became of events: the log, the results and
// a summary.
package screen

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// A Screen is the terminal of a person, or what stands in its place. Only
// results go to Stdout, byte for byte if it is not a terminal.
type Screen struct {
	stdout, stderr io.Writer
	options        Options
	onTerminal     bool // stdout is a terminal
	result, text   palette

	mu sync.Mutex // for one writer at a time
}

// Options say what to show.
type Options struct {
	Verbose  bool   // the runtime's own lines as they are
	Quiet    bool   // results and failures only
	Repeated bool   // several results, on a line of their own each
	Runtime  string // the version of the runtime and where it is from
	Dir      string // the function's folder, in which files have short names
	MemoryMB int    // the function's limit
	Getenv   func(string) string
}

// New returns a screen on stdout and stderr.
func New(stdout, stderr io.Writer, o Options) *Screen {
	return &Screen{
		stdout: stdout, stderr: stderr, options: o,
		onTerminal: isTerminal(stdout),
		result:     paletteFor(stdout, o.Getenv),
		text:       paletteFor(stderr, o.Getenv),
	}
}

// Warn shows what may surprise, on a line of its own.
func (s *Screen) Warn(format string, args ...any) {
	if !s.options.Quiet {
		s.println(s.text.paint(yellow, "warning: "+fmt.Sprintf(format, args...)))
	}
}

// Note shows what happens, on a line of its own.
func (s *Screen) Note(format string, args ...any) {
	if !s.options.Quiet {
		s.println(s.text.paint(dim, fmt.Sprintf(format, args...)))
	}
}

func (s *Screen) println(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.stderr, line+"\n") // nobody reads it: nobody to tell
}

// logLine shows a line of the log: one of the runtime's own is short and dim,
// any other as it is.
func (s *Screen) logLine(l *Log, line string) {
	own, isOwn := readOwn(strings.TrimSuffix(line, "\n"))
	complaint, complains := strings.CutPrefix(line, "bootstrap: ")
	fresh := true
	switch {
	case isOwn && own.level == "ERROR":
		fresh = l.noteComplaint(own.value("error"))
	case complains:
		l.noteComplaint(strings.TrimSpace(complaint))
	}
	switch {
	case s.options.Quiet:
	case s.options.Verbose || !isOwn && !complains:
		s.println(strings.TrimSuffix(line, "\n"))
	case complains && !strings.HasPrefix(complaint, cannotStart): // the summary says that
		s.println(s.text.paint(red, "bootstrap: "+strings.TrimSpace(complaint)))
	case complains:
	case fresh:
		s.ownLine(own)
	}
}

// cannotStart begins the runtime's complaint about a start that failed.
const cannotStart = "cannot start: "

// repeated are messages of the runtime that the summary repeats.
var repeated = map[string]bool{"ready": true, "event": true, "stopped": true}

func (s *Screen) ownLine(own ownLine) {
	switch {
	case own.level == "ERROR":
		s.println(s.text.paint(red, "bootstrap: "+own.short()))
	case own.level == "WARN":
		s.println(s.text.paint(yellow, "bootstrap: "+own.short()))
	case own.message == "starting":
		s.println(s.text.paint(dim, strings.TrimSpace(s.options.Runtime+": "+own.startText(s.options.Dir))))
	case !repeated[own.message]:
		s.println(s.text.paint(dim, "bootstrap: "+own.short()))
	}
}

// Result prints a result. It ends the line on a terminal, and where there are
// several.
func (s *Screen) Result(result []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.result.colorJSON(result)
	if (s.onTerminal || s.options.Repeated) && !bytes.HasSuffix(result, []byte("\n")) {
		text = append(bytes.Clone(text), '\n')
	}
	if s.onTerminal && len(result) == 0 {
		text = []byte(s.result.paint(dim, "(the result is empty)") + "\n")
	}
	_, err := s.stdout.Write(text)
	return err
}
