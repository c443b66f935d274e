package process

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Unreaped zombies cause one warning, and an error near the limit of processes.
func TestZombies(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = 1000
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NPROC, &before)
	r := &registry{}
	for _, row := range []struct {
		zombies, warned int
		full            bool
	}{{0, 0, false}, {63, 0, false}, {64, 64, false}, {200, 0, false}, {750, 0, false}, {751, 0, true}} {
		r.zombies = map[int]bool{}
		for pid := range row.zombies {
			r.zombies[pid] = true
		}
		if got := r.manyZombies(); got != row.warned {
			t.Errorf("%d zombies: warned of %d, want %d", row.zombies, got, row.warned)
		}
		err := r.exhausted()
		if (err != nil) != row.full || row.full && !strings.Contains(err.Error(), strconv.Itoa(row.zombies)) {
			t.Errorf("%d zombies: got %v, want full: %v", row.zombies, err, row.full)
		}
	}
}

// A failed fork means an exhausted sandbox when the limit of processes is
// reached, and for lack of memory only if it persists.
func TestExhausted(t *testing.T) {
	r := &registry{starts: map[int]uint16{}}
	for i, row := range []struct {
		errno     syscall.Errno
		exhausted bool
	}{{syscall.ENOENT, false}, {syscall.ENOMEM, false}, {syscall.ENOMEM, false}, {syscall.ENOMEM, true}, {syscall.ENOENT, false}, {syscall.EAGAIN, true}} {
		if i == 5 {
			r.failedForks = 0
		}
		if got := r.startError("tool", row.errno); got.Exhausted != row.exhausted {
			t.Errorf("%d, %v: got exhausted %v", i, row.errno, got.Exhausted)
		}
	}
}
