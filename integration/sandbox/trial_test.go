package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol/emulator"
)

// patience is a limit that no event of a sound program meets.
const patience = 2 * time.Minute

// A trial is bootstrap in a sandbox, with a function.
type trial struct {
	box    box
	way    way
	server *emulator.Server
	runner *emulator.Runner
	dir    string // the function's folder
	log    *locked.Buffer
}

// begin starts a trial. Its log is shown if it fails.
func begin(t *testing.T, b box, w way, env ...string) *trial {
	t.Helper()
	fn := w.install(t)
	fn.Env = append(fn.Env, env...)
	return run(t, b, w, fn)
}

// run starts a trial of a function that is installed.
func run(t *testing.T, b box, w way, fn emulator.Function) *trial {
	t.Helper()
	server, err := emulator.New(b.platform, fn)
	if err != nil {
		t.Fatal(err)
	}
	f := &trial{box: b, way: w, server: server, dir: fn.Dir, log: &locked.Buffer{}}
	f.runner = emulator.NewRunner(server, b.command(), f.log, f.log)
	t.Cleanup(func() {
		f.runner.Stop()
		server.Close()
		if t.Failed() {
			t.Logf("the log: %.20000s", f.log)
		}
	})
	return f
}

// does sends an event with that script, which must succeed.
func (f *trial) does(t *testing.T, script string) (result string) {
	t.Helper()
	out, err := f.runner.Invoke(context.Background(), f.way.event(script))
	if err != nil || out.Kind != emulator.Result {
		t.Fatalf("%.100s: got %v %.500s %s, %v, want a result", script, out.Kind, out.Body, out.Reason, err)
	}
	return string(out.Body)
}

// fails sends an event with that script, which must fail with that type.
func (f *trial) fails(t *testing.T, script, errorType string) {
	t.Helper()
	out, err := f.runner.Invoke(context.Background(), f.way.event(script))
	if err != nil || out.Kind != emulator.Failure || out.ErrorType != errorType {
		t.Fatalf("%.100s: got %v %.500s %s, %v, want a failure of type %s", script, out.Kind, out.Body, out.Reason, err, errorType)
	}
}

// A mark is how many seconds a process of a test sleeps, or another argument of
// it. No other process on the machine has the same.
type mark string

var marks atomic.Int32

// newMark returns a mark. Processes that still have it at the end of the test
// are killed.
func newMark(t *testing.T) mark {
	m := mark(fmt.Sprintf("300.%d%03d", os.Getpid(), marks.Add(1)))
	t.Cleanup(func() { kill(m) })
	return m
}

// marked returns the command lines of the processes that have a mark. A zombie
// has none.
func marked(m mark) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is right
	for _, file := range files {
		line, _ := os.ReadFile(file) // gone: none
		if bytes.Contains(line, []byte(m)) {
			found = append(found, filepath.Base(filepath.Dir(file))+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// look returns a script that prints the processes that marked finds.
func look(m mark) string {
	pattern := strings.Replace(string(m), ".", "[.]", 1) // which the script itself does not match
	return fmt.Sprintf(`for f in $(grep -ls '%s' /proc/[0-9]*/cmdline); do { echo; echo "$f: "; tr '\0' ' ' <"$f"; } 2>/dev/null; done; true`, pattern)
}

// noneLeft checks that no process has the mark, as the next event sees it and as
// this program does.
func (f *trial) noneLeft(t *testing.T, m mark, what string) {
	t.Helper()
	if f.box.noProc {
		f.does(t, "true")
	} else if left := strings.TrimSpace(f.does(t, look(m))); left != "" {
		t.Errorf("%s: the next event finds %s", what, left)
	}
	f.noneThere(t, m, what)
}

// noneThere waits until this program sees no process with the mark. The test
// fails if one remains.
func (f *trial) noneThere(t *testing.T, m mark, what string) {
	t.Helper()
	if f.box.outside {
		return
	}
	var left []string
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if left = marked(m); left == nil {
			return
		}
	}
	t.Errorf("%s: left are %q", what, left)
}

// until waits until a condition is true, for at most a few seconds.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// stops checks that bootstrap stops in time and exits with status 0.
func (f *trial) stops(t *testing.T, limit time.Duration) {
	t.Helper()
	began := time.Now()
	if state := f.runner.Stop(); state == nil || state.ExitCode() != 0 {
		t.Errorf("after SIGTERM it exited with %v, want exit status 0", state)
	}
	if took := time.Since(began); took > limit {
		t.Errorf("the stop took %v, want at most %v", took, limit)
	}
}

// kill kills the processes with a mark.
func kill(m mark) {
	for _, line := range marked(m) {
		number, _, _ := strings.Cut(line, ":")
		pid, _ := strconv.Atoi(number)         // marked wrote it
		_ = syscall.Kill(pid, syscall.SIGKILL) // gone: so much the better
	}
}
