package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/effort"
)

// Each of many callers gets the answer to its own event, from no more instances than
// allowed.
func TestLocalManyCallers(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, `echo $PPID >>pids; printf '%s' "$1"`)
	s := serve(t, "-instances", "4", "-timeout", "60s", dir)
	var callers sync.WaitGroup
	for i := range 50 {
		callers.Go(func() {
			for j := range 4 {
				event := fmt.Sprintf(`{"caller": %d, "event": %d}`, i, j)
				if status, body := s.post(t, "", event); status != 200 || body != event {
					t.Errorf("got %d %q, want %q", status, body, event)
				}
			}
		})
	}
	callers.Wait()
	until(t, "all events are in the log", func() bool { return strings.Count(s.log.String(), "✓") == 200 })
	if n := strings.Count(s.log.String(), " cold "); n < 1 || n > 4 || strings.Count(s.log.String(), " warm") != 200-n {
		t.Errorf("got %d cold starts, want 1 to 4, and all others warm:\n%s", n, s.log)
	}
}

// held returns a function that logs that it has begun, and answers once the
// file go is in its folder.
func held(t *testing.T) string {
	return shellFunction(t, `echo begun >&2; while ! [ -e go ]; do sleep 0.01; done; printf '%s' "$1"`)
}

// Calls beyond the queue get 429, and those in the queue are answered. A queue may
// have room for none.
func TestLocalFullQueue(t *testing.T) {
	for _, queue := range []int{2, 0} {
		t.Run(strconv.Itoa(queue), func(t *testing.T) {
			t.Parallel()
			dir := held(t)
			s := serve(t, "-instances", "1", "-queue", strconv.Itoa(queue), "-timeout", "60s", dir)
			var callers sync.WaitGroup
			call := func() { callers.Go(func() { s.answers(t, "", "1", 200, "1") }) }
			call()
			s.logs(t, "begun")
			for range queue {
				call()
			}
			until(t, "the queue is full", func() bool { return strings.Contains(s.functions(t), fmt.Sprintf(`"waiting": %d`, queue)) })
			s.answers(t, "", "2", 429, "queue is full")
			s.logs(t, "all instances are busy: 432 ResourceLimitReached")
			write(t, dir, "go", "", 0o644)
			callers.Wait()
		})
	}
}

// functions returns the tool's description of its functions.
func (s *served) functions(t *testing.T) string {
	t.Helper()
	_, body := s.get(t, "_local/functions")
	return body
}

// An instance that dies fails only its own event. Another instance replaces it.
func TestLocalCrash(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, `[ "$1" = 0 ] && kill -9 $PPID && sleep 60; printf '%s' "$1"`)
	s := serve(t, "-instances", "2", "-timeout", "60s", dir)
	for range 3 {
		s.answers(t, "", "1", 200, "1")
		s.answers(t, "", "0", 500, "439")
	}
	s.answers(t, "", "1", 200, "1")
	s.logs(t, "439")
}

// An instance without events is stopped as by a platform, and the next event
// has a cold start.
func TestLocalIdle(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, "echo ok")
	s := serve(t, "-idle", "300ms", "-env", "BOOTSTRAP_STOP_COMMAND=echo the stop command runs >&2", dir)
	for i := 1; i <= 2; i++ {
		s.answers(t, "", "1", 200, "ok")
		until(t, "no instance runs", func() bool { return strings.Contains(s.functions(t), `"instances": 0`) })
		until(t, "the stop command has run", func() bool { return strings.Count(s.log.String(), "the stop command runs") == i })
	}
	if n := strings.Count(s.log.String(), " cold "); n != 2 {
		t.Errorf("got %d cold starts, want 2:\n%s", n, s.log)
	}
}

// Orphans of events are reaped while the tool runs, even if the runtime does
// not reap.
func TestLocalOrphans(t *testing.T) {
	t.Parallel()
	runtime, err := filepath.Abs("testdata/orphans.py")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, "-runtime", runtime, "-timeout", "60s", t.TempDir())
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range effort.Repeats(250) {
				s.answers(t, "", "1", 200, "1")
			}
		})
	}
	callers.Wait()
	began := time.Now()
	until(t, "few zombies are left", func() bool { return zombiesBelow(s.cmd.Process.Pid) < 10 })
	t.Logf("the zombies were gone after %v", time.Since(began))
}

// zombiesBelow counts the zombies that are children of a process.
func zombiesBelow(pid int) (n int) {
	for _, p := range processes() {
		if p.parent == pid && p.dead() {
			n++
		}
	}
	return n
}

// A function that cannot start says why, with its last line of output.
func TestLocalStartFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "bootstrap", "#!/bin/sh\necho cannot find the config\nexit 7\n", 0o755)
	s := serve(t, "-platform", "lambda", dir)
	s.answers(t, "", "1", 500, "Runtime.ExitError")
	s.logs(t, "cannot find the config")
	s.logs(t, "exit status 7")
	_ = os.Remove(filepath.Join(dir, "bootstrap"))
}
