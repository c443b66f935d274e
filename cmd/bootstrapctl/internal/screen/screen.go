// Package screen shows the outcome of events on a terminal: the log, the results and
// a summary.
package screen

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// A Screen writes to stdout and stderr. Only results go to stdout, byte for byte
// unless it is a terminal.
type Screen struct {
	stdout, stderr io.Writer
	options        Options
	onTerminal     bool // stdout is a terminal
	result, text   palette

	mu sync.Mutex // guards writes to stderr
}

// Options are the options of New.
type Options struct {
	Verbose  bool   // show the runtime's own lines unchanged
	Quiet    bool   // show only results and failures
	Repeated bool   // print several results, each on its own line
	Runtime  string // the version and the origin of the runtime
	Dir      string // the function's folder, which is removed from paths
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

// Warn shows a warning on its own line.
func (s *Screen) Warn(format string, args ...any) {
	if !s.options.Quiet {
		s.println(s.text.paint(yellow, "warning: "+fmt.Sprintf(format, args...)))
	}
}

// Note shows a message on its own line.
func (s *Screen) Note(format string, args ...any) {
	if !s.options.Quiet {
		s.println(s.text.paint(dim, fmt.Sprintf(format, args...)))
	}
}

func (s *Screen) println(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.stderr, line+"\n") // there is nowhere to report an error
}

// logLine shows a line of the log: the runtime's own lines are shortened and dim, all
// others unchanged.
func (s *Screen) logLine(l *Log, line string) {
	own, isOwn := readOwn(strings.TrimSuffix(line, "\n"))
	complaint, complains := strings.CutPrefix(line, "bootstrap: ")
	fresh := true
	switch {
	case isOwn && own.level == "ERROR" && own.value("error") != "":
		fresh = l.noteComplaint(own.value("error"))
	case complains:
		l.noteComplaint(strings.TrimSpace(complaint))
	}
	switch {
	case s.options.Quiet:
	case s.options.Verbose || !isOwn && !complains:
		s.println(strings.TrimSuffix(line, "\n"))
	case complains && !strings.HasPrefix(complaint, cannotStart): // the summary shows the others
		s.println(s.text.paint(red, "bootstrap: "+strings.TrimSpace(complaint)))
	case complains:
	case fresh && !strings.HasPrefix(own.value("error"), cannotStart):
		s.ownLine(own)
	}
}

// cannotStart is the prefix of the runtime's error about a start that failed.
const cannotStart = "cannot start: "

// repeated lists messages of the runtime that the summary repeats.
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

// Result prints a result. It adds a newline on a terminal and after each of
// several results.
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
