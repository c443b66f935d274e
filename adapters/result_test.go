package adapters

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestResult(t *testing.T) {
	r := result{max: 3}
	for i, step := range []struct {
		write, kept string
		fails       bool
	}{{"a", "a", false}, {"", "a", false}, {"bc", "abc", false}, {"d", "", true}, {"e", "", false}, {"", "", false}} {
		n, err := r.Write([]byte(step.write))
		if (err != nil) != step.fails || string(r.data) != step.kept || !step.fails && n != len(step.write) {
			t.Errorf("%d: got %d, %v, %q", i, n, err, r.data)
		}
	}
	if r.over != 4 {
		t.Errorf("over: got %d, want the size at which it was too large", r.over)
	}
}

// The buffer of a large result is used again, and keeps its limit.
func TestResultReserve(t *testing.T) {
	r := result{max: 10}
	if got := r.Reserve(4); got != nil {
		t.Errorf("while it is empty: got %d bytes reserved, want none", len(got))
	}
	_, _ = r.Write([]byte("abcd")) // fits
	for _, step := range []struct {
		commit, kept string
		fails        bool
	}{{"ef", "abcdef", false}, {"", "abcdef", false}, {"gh", "abcdefgh", false}, {"ij", "abcdefghij", false}, {"k", "", true}} {
		copy(r.Reserve(4), step.commit)
		if err := r.Commit(len(step.commit)); (err != nil) != step.fails || string(r.data) != step.kept {
			t.Errorf("%q: got %v, %q", step.commit, err, r.data)
		}
	}
	if got := r.Reserve(4); got != nil || r.over != 11 {
		t.Errorf("over the limit: got %d bytes reserved, over %d; want none, and the size at which it was too large", len(got), r.over)
	}
}

// With the result on descriptor 3, stdout is logged, but does not count as
// stderr.
func TestResultOnThree(t *testing.T) {
	program, fn := config(t, nil), script(t, "exec 3>/dev/null; "+evaluate)
	program.Command, program.Delivery = `eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		t.Run(kind, func(t *testing.T) {
			log := &hook{}
			c.ResultFD3, c.Stdout, c.Stderr = true, log, log
			a := start(t, c)
			succeeds(t, a, "echo noise; printf result >&3; echo more", "result")
			if got := log.String(); got != "noise\nmore\n" {
				t.Errorf("log: got %q", got)
			}
			succeeds(t, a, "echo noise", "")
			succeeds(t, a, "exec 3>&-; echo noise", "")
			succeeds(t, a, "printf '%s' '"+strings.Repeat("x", 100_000)+"' >&3", strings.Repeat("x", 100_000))
			fails(t, a, "echo result >&3; echo bad >&2; exit 3", "Function.ExitError", "exit status 3: bad")
			succeeds(t, a, "echo noise; ls /proc/self/fd | tr '\\n' ' ' >&3", "0 1 2 3 4 ")
		})
	}
	t.Run("both fail on stderr", func(t *testing.T) {
		for kind, c := range map[string]setup{"program": program, "function": fn} {
			c.ResultFD3, c.FailOnStderr = true, true
			a := start(t, c)
			succeeds(t, a, "printf result >&3", "result")
			fails(t, a, "printf result >&3; echo bad >&2", "Function.Stderr", "bad")
			if kind == "program" {
				succeeds(t, a, "echo noise; printf result >&3", "result")
			}
		}
	})
}

func TestExitCodes(t *testing.T) {
	program, fn := config(t, nil), script(t, evaluate)
	program.Command, program.Delivery = `ulimit -c 0; eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		t.Run(kind, func(t *testing.T) {
			c.ExitCodes = map[int]string{1: OK, 75: "Function.Retry", 137: "Function.Killed", 127: OK}
			a := start(t, c)
			succeeds(t, a, "printf none; exit 1", "none")
			succeeds(t, a, "printf none; no-such-command", "none")
			succeeds(t, a, "printf ok", "ok")
			fails(t, a, "echo busy >&2; exit 75", "Function.Retry", "exit status 75: busy")
			fails(t, a, "exit 2", "Function.ExitError", "exit status 2")
			fails(t, a, "kill -9 $$; sleep 1000", "Function.Killed", "killed by signal 9")
		})
	}
}

// With Keep, the children of a command keep running. Without it they are killed.
func TestKeep(t *testing.T) {
	program, fn := config(t, nil), script(t, evaluate)
	program.Command, program.Delivery = `eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		for _, keep := range []bool{true, false} {
			t.Run(fmt.Sprint(kind, " ", keep), func(t *testing.T) {
				c.Keep = keep
				a := start(t, c)
				child, failure := invoke(t, a, "sleep 1000 >/dev/null 2>&1 & printf $!")
				if failure != nil {
					t.Fatal(failure)
				}
				pid, _ := strconv.Atoi(child)
				succeeds(t, a, "printf ok", "ok")
				// The children of a function are in the group of the shell, and
				// the loop kills them.
				lives := keep || kind == "function"
				if !lives { // it was killed, and dies when the kernel comes to it
					await(t, "its end", func() bool { return dead(pid) })
				} else if dead(pid) {
					t.Error("it is dead, want it alive")
				}
				_ = syscall.Kill(pid, syscall.SIGKILL)
				_, _ = syscall.Wait4(pid, nil, 0, nil)
			})
		}
	}
}
