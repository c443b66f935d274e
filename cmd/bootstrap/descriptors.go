package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// The runtime needs ownDescriptors, and each slot slotDescriptors: its connection, and
// the files and pipes of its process.
const (
	ownDescriptors  = 32
	slotDescriptors = 10
)

// validateDescriptors returns an error where this sandbox allows too few
// descriptors for that many slots: events would fail now and then.
func validateDescriptors(slots int) error {
	var limit unix.Rlimit
	need := uint64(ownDescriptors + slotDescriptors*slots)
	if unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &limit) != nil || limit.Cur >= need {
		return nil
	}
	what, remedy := "an event needs", "raise the limit"
	if slots > 1 {
		what = fmt.Sprintf("%d events at the same time need", slots)
	}
	if limit.Cur >= ownDescriptors+slotDescriptors {
		remedy = fmt.Sprintf("set %s_CONCURRENCY to %d, or raise the limit", prefix, (limit.Cur-ownDescriptors)/slotDescriptors)
	}
	return fmt.Errorf("this sandbox allows %d descriptors (RLIMIT_NOFILE), and %s %d: %s", limit.Cur, what, need, remedy)
}
