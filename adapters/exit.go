package adapters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"bootstrap/internal/cgroup"
	"bootstrap/protocol"
)

// errTooLarge stops a command whose result is larger than the platform's limit.
var errTooLarge = errors.New("the result is too large")

// unbound is how bash reports an unset variable under set -u. With -c it then exits
// with status 127, as it does for a command that it cannot find.
const unbound = "unbound variable"

// outcome returns why a command failed, or nil. log is the end of what it wrote to
// stderr.
func outcome(status syscall.WaitStatus, log string) *protocol.Failure {
	f := &protocol.Failure{Stack: lines(log)}
	switch {
	case status.Signaled():
		f.Type = "Function.Signal"
		f.Message = fmt.Sprintf("killed by signal %d (%v)", status.Signal(), status.Signal())
	case status.ExitStatus() == 127 && !strings.Contains(log, unbound):
		f.Type = "Function.NotFound"
		f.Message = "exit status 127 (command not found)"
	case status.ExitStatus() == 126:
		f.Type = "Function.NotExecutable"
		f.Message = "exit status 126 (command not executable)"
	case status.ExitStatus() != 0:
		f.Type = "Function.ExitError"
		f.Message = fmt.Sprintf("exit status %d", status.ExitStatus())
	default:
		return nil
	}
	f.Message = withLine(f.Message, f.Stack)
	return f
}

// stopFailure returns the failure of a command that we have stopped because of the
// cause.
func stopFailure(cause error, ev *protocol.Event, r *result, log string) *protocol.Failure {
	f := &protocol.Failure{Stack: lines(log)}
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		f.Type = "Function.Timeout"
		f.Message = fmt.Sprintf("timed out: still running %v after the event came (the limit is %v)",
			time.Since(ev.Received).Round(time.Millisecond), ev.Limit().Round(time.Millisecond))
	case errors.Is(cause, errTooLarge):
		f.Type = "Function.ResponseSizeTooLarge"
		f.Message = fmt.Sprintf("the result is too large: the command was killed at %d bytes; the platform accepts at most %d", r.over, r.max)
	default:
		f.Type = "Function.Stopped"
		f.Message = fmt.Sprintf("stopped before it finished: %v", cause)
	}
	return f
}

// outOfMemory returns the failure of a command that the kernel has killed.
func outOfMemory(m *cgroup.Memory, log []string) *protocol.Failure {
	return &protocol.Failure{
		Type:    "Function.OutOfMemory",
		Message: withLine("out of memory: killed by the kernel: "+m.String(), log),
		Stack:   log,
	}
}

// stderrFailure returns the failure of a command that wrote to stderr where that is
// not allowed.
func stderrFailure(log string) *protocol.Failure {
	f := &protocol.Failure{Type: "Function.Stderr", Stack: lines(log)}
	f.Message = withLine("the command wrote to stderr, and BOOTSTRAP_STDERR is fail", f.Stack)
	return f
}

// shellStatus returns the wait status that a shell reports as code.
func shellStatus(code int) syscall.WaitStatus {
	if signal := code - 128; signal > 0 && signal <= 64 {
		return syscall.WaitStatus(signal)
	}
	return syscall.WaitStatus(code << 8)
}

// lines splits a log for a failure's Stack.
func lines(log string) []string {
	log = strings.TrimRight(plain(log), "\r\n")
	if log == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(log, "\r\n", "\n"), "\n")
}

// maxLine is how many bytes of a line a message quotes.
const maxLine = 500

// withLine adds the most useful line of a log to a message.
func withLine(message string, log []string) string {
	line := usefulLine(log)
	if line == "" {
		return message
	}
	return message + ": " + shorten(line)
}

func shorten(line string) string {
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
func UsefulLine(log string) string { return shorten(usefulLine(lines(log))) }

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
