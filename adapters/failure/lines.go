package failure

import (
	"slices"
	"strings"

	"bootstrap/protocol"
)

// Lines splits a log for the Stack of a failure. It removes terminal escapes.
func Lines(log string) []string {
	log = strings.TrimRight(plain(log), "\r\n")
	if log == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(log, "\r\n", "\n"), "\n")
}

// maxLine is how many bytes of a line a message quotes.
const maxLine = 500

// WithLine adds the most useful line of a log to a message.
func WithLine(message string, log []string) string {
	line := usefulLine(log)
	if line == "" {
		return message
	}
	return message + ": " + Shorten(line)
}

// Shorten cuts a line that is too long for a message.
func Shorten(line string) string {
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}

// complaints are words of lines that report errors.
var complaints = []string{
	"error", "exception", "panic", "fatal", "fail", "cannot", "can't", "could not", "unable", "invalid",
	"denied", "not found", "no such", "unexpected", "unbound", "missing", "abort",
}

// isCaretLine reports whether a line only points into the line above it.
func isCaretLine(line string) bool {
	return strings.Contains(line, "^") && strings.Trim(line, " \t^~") == ""
}

func complains(line string) bool {
	line = strings.ToLower(line)
	return slices.ContainsFunc(complaints, func(word string) bool { return strings.Contains(line, word) })
}

// UsefulLine returns the line of a log that explains a failure best, shortened. It
// is empty if no line does.
func UsefulLine(log string) string { return Shorten(usefulLine(Lines(log))) }

// usefulLine returns the first line that reports an error, else the first line. It
// skips lines that begin with a space, which continue the line above, lines that
// quote code, which have a ^ below them, and the head of a traceback.
func usefulLine(log []string) (first string) {
	for i, line := range log {
		text := strings.TrimSpace(line)
		quoted := i+1 < len(log) && isCaretLine(log[i+1])
		if text == "" || text != strings.TrimRight(line, " \t\r") || strings.HasPrefix(text, "Traceback ") || quoted || isCaretLine(line) {
			continue
		}
		if complains(text) {
			return text
		}
		if first == "" {
			first = text
		}
	}
	return first
}

// AddOutput adds the last useful line of a command's output to the message of its
// failure, if the command wrote nothing useful to stderr.
func AddOutput(f *protocol.Failure, output string) {
	if usefulLine(f.Stack) != "" {
		return
	}
	if line := lastUsefulLine(Lines(output)); line != "" {
		f.Message += ": " + Shorten(line)
	}
}

// lastUsefulLine returns the last line that reports an error, else the last line.
func lastUsefulLine(output []string) (last string) {
	for _, line := range output {
		text := strings.TrimSpace(line)
		if text != "" && (complains(text) || !complains(last)) {
			last = text
		}
	}
	return last
}
