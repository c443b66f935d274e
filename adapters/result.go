package adapters

import (
	"errors"
	"syscall"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
)

// A result collects the answer of a command, up to the platform's limit. It returns
// an error when it passes the limit. After that it accepts all bytes, and keeps
// none.
type result struct {
	data []byte
	max  int
	hint int // the expected size in bytes
	over int // the size at which it passed the limit; 0: it did not
}

// Reserve returns nil while the result is small, because copying it is cheap.
func (r *result) Reserve(size int) []byte {
	if r.over > 0 || max(len(r.data), r.hint) < size {
		return nil
	}
	if len(r.data) == cap(r.data) {
		r.grow(min(max(4*cap(r.data), r.hint, size), r.max) + 1) // 1 more, to notice the end or an excess
	}
	return r.data[len(r.data):cap(r.data)]
}

func (r *result) grow(size int) { r.data = append(make([]byte, 0, size), r.data...) }

func (r *result) Commit(n int) error {
	if err := r.limit(n); err != nil {
		return err
	}
	r.data = r.data[:len(r.data)+n]
	return nil
}

func (r *result) Write(p []byte) (int, error) {
	if err := r.limit(len(p)); err != nil {
		return 0, err
	}
	if r.over == 0 {
		r.data = append(r.data, p...)
	}
	return len(p), nil
}

// errTooLarge stops a command whose result is larger than the platform's limit.
var errTooLarge = errors.New("the result is too large")

// limit drops the result when n more bytes are too many.
func (r *result) limit(n int) error {
	size := len(r.data) + n
	if r.over > 0 || size <= r.max {
		return nil
	}
	r.data, r.over = nil, size
	return errTooLarge
}

// answer returns the result of a command that has exited, or its failure.
func (fn *function) answer(status syscall.WaitStatus, data []byte, log *stderr) ([]byte, error) {
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

// failure returns nil for a command that succeeded, else its failure: the one that
// the command reports, else the one that BOOTSTRAP_EXIT_CODES gives its exit status,
// else the default for that status.
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
	f := fn.failure(status, nil, log)
	if f == nil { // a resident must not exit, even with a status that is fine for a program
		if own := failure.Reported(failure.Lines(log), nil); own != nil {
			return own
		}
		f = failure.OfResident(status, log)
	}
	if failure.Reported(failure.Lines(log), nil) == nil { // else f is the failure that the process reported
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
