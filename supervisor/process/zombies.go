package process

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

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
	return errors.New("cannot serve more events here: " + tooMany(len(r.zombies)))
}

// ManyZombies returns the number of zombies that nobody reaps when it first is
// large, and 0 else.
func ManyZombies() int { return children.newlyMany() }

// Exhausted returns why the next event must not be served in this sandbox; nil:
// it may.
func Exhausted() error { return children.full() }

func tooMany(zombies int) string {
	return fmt.Sprintf("the limit of processes is reached: %d are zombies that process 1 of this sandbox does not reap; let programs wait for their children", zombies)
}
