package adapters

import (
	"syscall"

	"bootstrap/protocol"
)

// A result collects what a command answers, up to the platform's limit. What
// is over that is an error once; then it takes all, and keeps none.
type result struct {
	data []byte
	max  int
	over int // the size at which it passed the limit; 0: it did not
}

func (r *result) Write(p []byte) (int, error) {
	if r.over > 0 {
		return len(p), nil
	}
	if size := len(r.data) + len(p); size > r.max {
		r.data, r.over = nil, size
		return 0, errTooLarge
	}
	r.data = append(r.data, p...)
	return len(p), nil
}

// answer is the result of a command that ended by itself, or its failure.
func (c *Config) answer(status syscall.WaitStatus, data []byte, log *stderr) ([]byte, error) {
	if f := c.failure(status, data, log.String()); f != nil {
		return nil, f
	}
	if c.FailOnStderr && log.Total > 0 {
		return nil, noisy(log.String())
	}
	return data, nil
}

// failure is what the command says itself, if it failed, else what its exit
// status was set to mean, else what that means by itself.
func (c *Config) failure(status syscall.WaitStatus, data []byte, log string) *protocol.Failure {
	f, code := outcome(status, log), exitCode(status)
	switch meaning := c.ExitCodes[code]; {
	case f == nil || meaning == OK:
		return nil
	case code == 128+int(syscall.SIGKILL) && c.memory.killed():
		return outOfMemory(c.memory, f.Stack)
	case meaning != "":
		f.Type = meaning
	}
	if own := ownFailure(f.Stack, data); own != nil {
		return own
	}
	return f
}

// died is the failure of something resident that has ended.
func (c *Config) died(what string, status syscall.WaitStatus, log string) *protocol.Failure {
	f := c.failure(status, nil, log)
	if f == nil { // also where that status is fine for a program
		f = ending(status, log)
	}
	if ownFailure(f.Stack, nil) == nil {
		f.Message = what + " ended: " + f.Message
	}
	return f
}

// exitCode is a status as shells tell it: a signal counts from 128.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
