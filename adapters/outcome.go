package adapters

import (
	"errors"
	"syscall"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
)

// outcome returns the result of a command that has exited, or its failure.
func (fn *function) outcome(status syscall.WaitStatus, data []byte, log *stderr) ([]byte, error) {
	if f := fn.failure(status, data, log.String()); f != nil {
		fn.logStdout(data)
		return nil, f
	}
	if fn.settings.FailOnStderr && log.Total > 0 {
		fn.logStdout(data)
		return nil, fn.advise(failure.Stderr(log.String()))
	}
	return data, nil
}

// failure returns nil for a command that succeeded: with status 0, or with one that
// BOOTSTRAP_EXIT_CODES calls ok. Else it returns the first of these that applies: out
// of memory, the failure that the command reports, the type that BOOTSTRAP_EXIT_CODES
// gives the status, the default for the status.
func (fn *function) failure(status syscall.WaitStatus, data []byte, log string) *protocol.Failure {
	f, code := failure.Of(status, log), failure.Code(status)
	switch meaning := fn.settings.ExitCodes[code]; {
	case f == nil || meaning == OK:
		return nil
	case code == 128+int(syscall.SIGKILL) && fn.memory.Killed():
		return failure.OutOfMemory(fn.memory, f.Stack)
	case meaning != "":
		f.Type = meaning
	}
	if own := failure.Reported(f.Stack, data); own != nil {
		return own
	}
	fn.explainByStdout(f, data)
	return fn.advise(f)
}

// exitFailure returns the failure of a resident process that has exited.
func (fn *function) exitFailure(what string, status syscall.WaitStatus, log string) *protocol.Failure {
	f, own := fn.failure(status, nil, log), failure.Reported(failure.Lines(log), nil)
	switch {
	case f == nil && own != nil: // a resident must not exit, even with a status that is fine for a program
		return own
	case f == nil:
		f = failure.OfResident(status, log)
	}
	if own == nil { // else f is the failure that the process reported
		f.Message = what + " ended: " + f.Message
	}
	return f
}

// stopFailure returns the failure of an event that was stopped because of the cause.
func stopFailure(cause error, ev *protocol.Event, r *result, log string) *protocol.Failure {
	if errors.Is(cause, errTooLarge) {
		f := protocol.Failuref("Function.ResponseSizeTooLarge", "the result is too large: the command was killed at %d bytes; the platform accepts at most %d", r.over, r.max)
		f.Stack = failure.Lines(log)
		return f
	}
	return failure.Stopped(cause, ev, log)
}

// advise adds a hint about the sandbox to the message of a failure, which it returns.
func (fn *function) advise(f *protocol.Failure) *protocol.Failure {
	in := failure.Sandbox{Getenv: fn.services.Getenv, CountsKills: fn.memory.Counts}
	return in.Advise(f)
}
