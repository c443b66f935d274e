package supervisor

import (
	"fmt"
	"syscall"

	"bootstrap/protocol"

	"golang.org/x/sys/unix"
)

// A StartError says that a program could not be started.
type StartError struct {
	Path  string
	Errno error // of execve, or of what came before
	// Exhausted says that this sandbox can start no more processes, whatever
	// the program is: only a fresh one can.
	Exhausted bool
	// Zombies is how many dead processes were waiting for process 1, which
	// does not reap them. They count against the limit of processes.
	Zombies int
}

func (e *StartError) Error() string {
	switch {
	case e.Errno == syscall.EAGAIN && e.Zombies > 0:
		return fmt.Sprintf("cannot start %s: %s", e.Path, tooMany(e.Zombies))
	case e.Errno == syscall.EAGAIN:
		return fmt.Sprintf("cannot start %s: the limit of processes is reached (EAGAIN)", e.Path)
	case e.Errno == syscall.ENOMEM:
		return fmt.Sprintf("cannot start %s: there is no memory for another process (ENOMEM)", e.Path)
	}
	return "cannot start " + e.Path + ": " + e.Errno.Error()
}

func (e *StartError) Unwrap() error { return e.Errno }

func tooMany(zombies int) string {
	return fmt.Sprintf("the limit of processes is reached: %d are zombies that process 1 of this sandbox does not reap; let programs wait for their children", zombies)
}

// memoryTries is how many forks in a row may find no memory until the sandbox
// counts as exhausted.
const memoryTries = 3

// startError turns the error of a start into a StartError.
func (r *registry) startError(path string, err error) *StartError {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == syscall.ENOMEM {
		r.noFork++
	}
	return &StartError{
		Path: path, Errno: err,
		Exhausted: err == syscall.EAGAIN || r.noFork >= memoryTries,
		Zombies:   len(r.zombies),
	}
}

// A FatalError fails the event in hand and ends the runtime, so that the
// platform starts a fresh instance.
type FatalError struct{ Failure *protocol.Failure }

func (e *FatalError) Error() string { return e.Failure.Error() }

// manyZombies is how many zombies that nobody reaps are worth a warning.
const manyZombies = 64

// newlyMany returns the number of zombies that nobody reaps when it first is
// large, and 0 else.
func (r *registry) newlyMany() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.warned || len(r.zombies) < manyZombies {
		return 0
	}
	r.warned = true
	return len(r.zombies)
}

// full returns why the next event must not be served here; nil: it may. Nearly
// all processes that the sandbox allows are zombies.
func (r *registry) full() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var limit unix.Rlimit
	if len(r.zombies) < manyZombies || unix.Getrlimit(unix.RLIMIT_NPROC, &limit) != nil || uint64(len(r.zombies)) <= limit.Cur/4*3 {
		return nil
	}
	return &FatalError{&protocol.Failure{Type: "Runtime.TooManyProcesses", Message: "cannot serve more events here: " + tooMany(len(r.zombies))}}
}
