// Package leaktest checks that a test leaves no descriptor and no goroutine
// behind.
package leaktest

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Bound is how long tests wait before they fail.
const Bound = 10 * time.Second

// Check fails the test if, at its end, it has more descriptors or goroutines
// than now. It must be the first call of a test, so that its check is the last.
func Check(t testing.TB) {
	t.Helper()
	files, goroutines := OpenFiles(t), runtime.NumGoroutine()
	t.Cleanup(func() {
		t.Helper()
		Within(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
		if now := OpenFiles(t); len(now) > len(files) {
			t.Errorf("got descriptors %q, expected only %q", now, files)
		}
	})
}

// OpenFiles lists our descriptors and their files, without those that procfs keeps
// open.
func OpenFiles(t testing.TB) (files []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if !strings.HasSuffix(target, "/children") && !strings.HasSuffix(target, "/task") {
			files = append(files, e.Name()+" "+target)
		}
	}
	return files
}

// Within waits until a condition holds, and fails the test after Bound.
func Within(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Bound); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", Bound, what)
		}
	}
}
