package process

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// zombieThreshold is how many unreaped zombies are worth a warning.
const zombieThreshold = 64

// manyZombies returns the number of unreaped zombies the first time that it reaches
// zombieThreshold, and otherwise 0.
func (r *registry) manyZombies() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.warned || len(r.zombies) < zombieThreshold {
		return 0
	}
	r.warned = true
	return len(r.zombies)
}

// exhausted returns an error if nearly all processes that the sandbox allows
// are zombies, so that the next event must not be served here.
func (r *registry) exhausted() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var limit unix.Rlimit
	if len(r.zombies) < zombieThreshold || unix.Prlimit(0, unix.RLIMIT_NPROC, nil, &limit) != nil || uint64(len(r.zombies)) <= limit.Cur/4*3 {
		return nil
	}
	return errors.New("cannot serve more events here: the process limit is nearly reached: " + tooManyZombies(len(r.zombies)))
}

// ManyZombies returns the number of unreaped zombies the first time that it is
// large, and otherwise 0.
func ManyZombies() int { return processes.manyZombies() }

// Exhausted returns an error if the next event must not be served in this
// sandbox.
func Exhausted() error { return processes.exhausted() }

func tooManyZombies(zombies int) string {
	return fmt.Sprintf("%d processes are zombies that process 1 of this sandbox does not reap; programs must wait for their children", zombies)
}
