package process

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// zombieThreshold is how many zombies that nobody reaps are worth a warning.
const zombieThreshold = 64

// manyZombies returns the number of zombies that nobody reaps when it first is
// large, and 0 else.
func (r *registry) manyZombies() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.warned || len(r.zombies) < zombieThreshold {
		return 0
	}
	r.warned = true
	return len(r.zombies)
}

// exhausted returns why the next event must not be served here; nil: it may. Nearly
// all processes that the sandbox allows are zombies.
func (r *registry) exhausted() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var limit unix.Rlimit
	if len(r.zombies) < zombieThreshold || unix.Getrlimit(unix.RLIMIT_NPROC, &limit) != nil || uint64(len(r.zombies)) <= limit.Cur/4*3 {
		return nil
	}
	return errors.New("cannot serve more events here: " + tooManyZombies(len(r.zombies)))
}

// ManyZombies returns the number of zombies that nobody reaps when it first is
// large, and 0 else.
func ManyZombies() int { return processes.manyZombies() }

// Exhausted returns why the next event must not be served in this sandbox; nil:
// it may.
func Exhausted() error { return processes.exhausted() }

func tooManyZombies(zombies int) string {
	return fmt.Sprintf("the limit of processes is reached: %d are zombies that process 1 of this sandbox does not reap; let programs wait for their children", zombies)
}
