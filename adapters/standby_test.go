package adapters

import (
	"context"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/leaktest"
)

// ahead returns the setup of a program that is started before its event.
func ahead(t *testing.T, command string) setup {
	t.Helper()
	c := config(t, nil)
	c.Command, c.Standby = command, true
	return c
}

// waits returns the standby process, or nil.
func waits(o any) *call { return o.(*adapter).way.(*oneshot).next }

// obeysOnce runs its event as shell code.
const obeysOnce = `eval "$(cat)"`

// Each event goes to the one process that waits for it.
func TestStandby(t *testing.T) {
	a := start(t, ahead(t, obeysOnce))
	if waits(a) != nil {
		t.Error("started before Prepare")
	}
	seen := map[string]bool{}
	for range 10 {
		prepare(a)
		c := waits(a)
		prepare(a)
		if c == nil || waits(a) != c {
			t.Fatal("want one process that waits, however often it is prepared")
		}
		await(t, "the shell's cat", func() bool { return len(c.process.Children()) > 0 })
		text, failure := invoke(t, a, "echo $$")
		if failure != nil || seen[text] || waits(a) != nil {
			t.Errorf("got %q, %v, want another process for each event", text, failure)
		}
		seen[text] = true
	}
	succeeds(t, a, "echo not prepared", "not prepared\n")
}

func TestStandbyBytes(t *testing.T) {
	a := start(t, ahead(t, `["cat"]`))
	test := func(name, text string) {
		t.Run(name, func(t *testing.T) {
			prepare(a)
			succeeds(t, a, text, text)
		})
	}
	for name, text := range texts {
		test(name, text)
	}
	for name, text := range notText {
		test(name, text)
	}
	for _, size := range []int{65536, 65537, 100_000, 1 << 20, 6 << 20} {
		test(strconv.Itoa(size), random(size))
	}
}

// Every outcome is the same as without standby.
func TestStandbyOutcomes(t *testing.T) {
	tests := []struct{ name, code, kind, want string }{
		{"a result", "echo out; echo log >&2", "", "out\n"},
		{"a status", "echo out; echo no luck >&2; exit 3", "Function.ExitError", "exit status 3: no luck"},
		{"a status with a meaning", "exit 75", "Function.Retry", "exit status 75"},
		{"a signal", "kill -9 $$", "Function.Signal", "killed by signal 9"},
		{"its own failure", `echo '{"errorType":"Function.Own","errorMessage":"mine"}' >&2; exit 1`, "Function.Own", "mine"},
		{"too large", "head -c 7000000 /dev/zero", "Function.ResponseSizeTooLarge", "the platform accepts at most"},
		{"children", "sleep 1000 & echo out", "", "out\n"},
	}
	c := ahead(t, obeysOnce)
	c.ExitCodes = map[int]string{75: "Function.Retry"}
	a := start(t, c)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range effort.Repeats(5) {
				prepare(a)
				if test.kind == "" {
					succeeds(t, a, test.code, test.want)
				} else {
					fails(t, a, test.code, test.kind, test.want)
				}
				noneLeft(t)
			}
		})
	}
}

// Standby works with a result on descriptor 3, output before the event, and a
// log that fails.
func TestStandbyOutputs(t *testing.T) {
	c, log := ahead(t, `echo early; read -r _; printf result >&3; echo late`), &hook{}
	c.ResultFD3, c.Stdout, c.Stderr = true, log, log
	a := start(t, c)
	prepare(a)
	succeeds(t, a, "event\n", "result")
	if got := log.String(); got != "early\nlate\n" {
		t.Errorf("log: got %q", got)
	}
	c = ahead(t, `printf early; printf warning >&2; read -r _; echo " and late"`)
	a = start(t, c)
	prepare(a)
	succeeds(t, a, "event\n", "early and late\n")
	c.FailOnStderr = true
	a = start(t, c)
	prepare(a)
	fails(t, a, "event\n", "Function.Stderr", "warning")
}

// A process that waits lacks the variables that come with the event.
func TestStandbyVariables(t *testing.T) {
	c := ahead(t, `read -r _; env | grep ^FUNCTION_ | sed 's/_MS=.*/_MS/' | sort`)
	a := start(t, c)
	prepare(a)
	succeeds(t, a, "event\n", "FUNCTION_PLATFORM=lambda\n")
	succeeds(t, a, "event\n", "FUNCTION_DEADLINE_MS\nFUNCTION_PLATFORM=lambda\nFUNCTION_REQUEST_ID=id-1\nFUNCTION_TIME_LIMIT_MS\n")
}

// gone waits until the standby process has exited.
func gone(t *testing.T, a any) {
	t.Helper()
	await(t, "the end of what was started ahead", func() bool { return waits(a).process.Exited() })
}

// If the process exits before its event, the event gets a new one. After three such
// exits in a row, no more processes are started in advance.
func TestStandbyEndsBeforeItsEvent(t *testing.T) {
	a := start(t, ahead(t, `echo again; echo log >&2`))
	for i := range 6 {
		prepare(a)
		if (waits(a) == nil) != (i >= maxExitedEarly) {
			t.Fatalf("event %d: got %v ahead, want none after %d", i, waits(a), maxExitedEarly)
		}
		if waits(a) != nil {
			gone(t, a)
		}
		succeeds(t, a, "event", "again\n")
	}
	noneLeft(t)
}

// Only exits in a row count.
func TestStandbyKilledBeforeItsEvent(t *testing.T) {
	a := start(t, ahead(t, obeysOnce))
	for i := range 4 * maxExitedEarly {
		prepare(a)
		if waits(a) == nil {
			t.Fatalf("event %d: nothing was started ahead", i)
		}
		if i%maxExitedEarly != 0 {
			waits(a).process.Interrupt()
			gone(t, a)
		}
		succeeds(t, a, "echo ok", "ok\n")
	}
}

func TestStandbyTimeout(t *testing.T) {
	for name, code := range map[string]string{
		"waiting":  "echo go >&2; sleep 1000",
		"deaf":     "trap '' TERM; echo go >&2; while :; do :; done",
		"children": "sleep 1000 & sleep 1000 & echo go >&2; wait",
	} {
		t.Run(name, func(t *testing.T) {
			c, log := ahead(t, obeysOnce), &hook{}
			c.Stderr = log
			a := start(t, c)
			prepare(a)
			_ = timeUp(t, a, code, log, 50*time.Millisecond)
			noneLeft(t)
			prepare(a)
			succeeds(t, a, "echo ok", "ok\n")
		})
	}
}

// An event that the program does not read ends at its time limit, as without
// standby.
func TestStandbyUnread(t *testing.T) {
	c, log := ahead(t, "echo go >&2; sleep 1000"), &hook{}
	c.Stderr = log
	a := start(t, c)
	prepare(a)
	_ = timeUp(t, a, strings.Repeat("x", 3<<20), log, patience)
	noneLeft(t)
	c.Command = "read -r _; exec <&-; echo ok"
	a = start(t, c)
	prepare(a)
	succeeds(t, a, "line\n"+strings.Repeat("x", 3<<20), "ok\n")
}

// Close stops a process that waits, even if it ignores SIGTERM.
func TestStandbyClose(t *testing.T) {
	for _, command := range []string{"cat", "trap '' TERM; echo ready >&2; while :; do :; done", "sleep 1000 & cat", "exit 3"} {
		a := ahead(t, command).adapter()
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		prepare(a)
		if err := a.Close(patience); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		noneLeft(t)
	}
}

// If a program cannot be started in advance, the event fails with the reason.
func TestStandbyCannotStart(t *testing.T) {
	c := config(t, files{"tool": "#!/bin/sh\ncat\n"})
	c.Command, c.Standby = `["./tool"]`, true
	a := start(t, c)
	if err := syscall.Unlink(c.Dir + "/tool"); err != nil {
		t.Fatal(err)
	}
	prepare(a)
	fails(t, a, "event", "Function.NotFound", "tool does not exist")
}

func TestStandbySettings(t *testing.T) {
	c := script(t, evaluate)
	c.Standby = true
	wantFailure(t, startFailure(t, c), "Runtime.ConfigError", "which stays loaded anyway")
	c = config(t, nil)
	c.Command = "cat"
	a := start(t, c)
	if prepare(a); waits(a) != nil {
		t.Error("started ahead, though nobody wants that")
	}
}

func TestStandbyNothingLeft(t *testing.T) {
	a := start(t, ahead(t, obeysOnce))
	before := len(leaktest.OpenFiles(t))
	for i := range effort.Repeats(50) {
		prepare(a)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, _ = invokeFor(ctx, t, a, newEvent([]string{"cat", "exit 3", "exec <&-"}[i%3])) // any is fine
		cancel()
	}
	if after := len(leaktest.OpenFiles(t)); after > before {
		t.Errorf("descriptors: got %d, want no more than %d", after, before)
	}
}
