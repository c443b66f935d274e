// Package failure explains why a command failed: from its exit status, from the end of
// its log, from what the command itself reports, and from what the sandbox lacks.
package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"bootstrap/internal/cgroup"
	"bootstrap/protocol"
)

// unbound is how bash reports an unset variable under set -u. With -c it then exits
// with status 127, as it does for a command that it cannot find.
const unbound = "unbound variable"

// Of returns why a command failed, or nil if its status is 0. log is the end of what
// it wrote to stderr.
func Of(status syscall.WaitStatus, log string) *protocol.Failure {
	f := &protocol.Failure{Stack: Lines(log)}
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
	f.Message = WithLine(f.Message, f.Stack)
	return f
}

// OfResident returns the failure of a resident process that has exited, even with
// status 0.
func OfResident(status syscall.WaitStatus, log string) *protocol.Failure {
	if f := Of(status, log); f != nil {
		return f
	}
	f := &protocol.Failure{Type: "Function.ExitError", Stack: Lines(log)}
	f.Message = WithLine("exit status 0", f.Stack)
	return f
}

// Stopped returns the failure of an event that the runtime has stopped. The cause is
// context.DeadlineExceeded, or says why the runtime stops.
func Stopped(cause error, ev *protocol.Event, log string) *protocol.Failure {
	f := &protocol.Failure{Stack: Lines(log)}
	if errors.Is(cause, context.DeadlineExceeded) {
		f.Type = "Function.Timeout"
		f.Message = fmt.Sprintf("timed out: still running %v after the event came (the limit is %v)",
			time.Since(ev.Received).Round(time.Millisecond), ev.Limit().Round(time.Millisecond))
	} else {
		f.Type = "Function.Stopped"
		f.Message = fmt.Sprintf("stopped before it finished: %v", cause)
	}
	return f
}

// OutOfMemory returns the failure of a command that the kernel has killed at the limit
// that m describes.
func OutOfMemory(m *cgroup.Memory, log []string) *protocol.Failure {
	return &protocol.Failure{
		Type:    "Function.OutOfMemory",
		Message: WithLine("out of memory: killed by the kernel: "+m.String(), log),
		Stack:   log,
	}
}

// Stderr returns the failure of a command that wrote to stderr where that is not
// allowed.
func Stderr(log string) *protocol.Failure {
	f := &protocol.Failure{Type: "Function.Stderr", Stack: Lines(log)}
	f.Message = WithLine("the command wrote to stderr, and BOOTSTRAP_STDERR is fail", f.Stack)
	return f
}
