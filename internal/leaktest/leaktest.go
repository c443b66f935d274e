// Package leaktest checks that tests leave no process, no descriptor and no
// goroutine behind, and do not wait for processes that they leave.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Bound is how long tests wait before they fail. It is far longer than anything in a
// test takes, and far shorter than the life of the children that tests must kill.
const Bound = 10 * time.Second

// Escape defines a shell function that runs its argument in a session of its own. It
// returns once no process holds the stdout of that session.
const Escape = `escape() { : $(setsid sh -c "$1"); }; `

// Main runs the tests of a package, and returns the status to exit with: not 0
// if they leave children.
func Main(m *testing.M, children func() (pids []int)) int {
	code := m.Run()
	if left := children(); len(left) > 0 {
		fmt.Println("children left by the tests:", left)
		return 1
	}
	return code
}

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

// OpenFiles lists our descriptors and their files, without those that procfs and,
// from its first wait on, Go's runtime keep open.
func OpenFiles(t testing.TB) (files []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		kept := strings.HasSuffix(target, "/children") || strings.HasSuffix(target, "/task") || strings.HasPrefix(target, "anon_inode:[event")
		if !kept {
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

// MustNotWait fails the test if f takes as long as something that it must not
// wait for.
func MustNotWait(t testing.TB, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > Bound {
		t.Errorf("it took %v, expected far less than %v", took, Bound)
	}
}
