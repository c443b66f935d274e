package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// allow limits the descriptors of this process until the end of the test.
func allow(t *testing.T, descriptors uint64) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	limit := unix.Rlimit{Cur: descriptors, Max: before.Max}
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prlimit(0, unix.RLIMIT_NOFILE, &before, nil) }) // it was allowed before
}

// With too few descriptors the error has both numbers, and what would fit.
func TestValidateDescriptors(t *testing.T) {
	for _, row := range []struct {
		allowed uint64
		slots   int
		want    string
	}{
		{42, 1, ""},
		{41, 1, "allows 41 descriptors (RLIMIT_NOFILE), and an event needs 42: raise the limit"},
		{132, 10, ""},
		{131, 10, "allows 131 descriptors (RLIMIT_NOFILE), and 10 events at the same time need 132: set BOOTSTRAP_CONCURRENCY to 9, or raise the limit"},
		{41, 10, "10 events at the same time need 132: raise the limit"},
	} {
		allow(t, row.allowed)
		err := validateDescriptors(row.slots)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.HasSuffix(err.Error(), row.want)) {
			t.Errorf("%d descriptors, %d slots: got %v, want %q", row.allowed, row.slots, err, row.want)
		}
	}
}
