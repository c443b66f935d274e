package process

import (
	"fmt"
	"syscall"
)

// A StartError says that a program could not be started.
type StartError struct {
	Path  string
	Errno error // of execve, or of a step before it
	// Exhausted means that this sandbox cannot start any program any more; a
	// new one is needed.
	Exhausted bool
	// Zombies counts the zombies that process 1 does not reap. They count against
	// the process limit.
	Zombies int
}

func (e *StartError) Error() string {
	switch {
	case e.Errno == syscall.EAGAIN && e.Zombies > 0:
		return fmt.Sprintf("cannot start %s: the process limit is reached: %s", e.Path, tooManyZombies(e.Zombies))
	case e.Errno == syscall.EAGAIN:
		return fmt.Sprintf("cannot start %s: the process limit is reached (EAGAIN)", e.Path)
	case e.Errno == syscall.ENOMEM:
		return fmt.Sprintf("cannot start %s: there is no memory for another process (ENOMEM)", e.Path)
	}
	return "cannot start " + e.Path + ": " + e.Errno.Error()
}

func (e *StartError) Unwrap() error { return e.Errno }

// maxFailedForks is how many starts in a row must fail for lack of memory for the
// sandbox to count as exhausted.
const maxFailedForks = 3

// startError turns the error of a start into a StartError.
func (r *registry) startError(path string, err error) *StartError {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == syscall.ENOMEM {
		r.failedForks++
	}
	return &StartError{
		Path: path, Errno: err,
		Exhausted: err == syscall.EAGAIN || err == syscall.ENOMEM && r.failedForks >= maxFailedForks,
		Zombies:   len(r.zombies),
	}
}
