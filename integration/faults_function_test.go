package integration

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// inBash starts a trial of a bash function.
func inBash(t *testing.T, code string, env ...string) *trial {
	t.Helper()
	return begin(t, "function", protocol.SCF, code, env)
}

func quotedFailure(t *testing.T, _ string) string {
	got := inBash(t, `printf 'no "Ada" in \\ her house\n' >&2; return 3`).fails(t, "{}", "Function.ExitError", `no "Ada" in \ her house`)
	if len(got.Stack) == 0 {
		t.Error("got no stack trace")
	}
	return "failure, JSON with message and stack"
}

func exitInFunction(t *testing.T, _ string) string {
	f := inBash(t, does)
	f.fails(t, "exit 4", "Function.ExitError", "exit status 4")
	f.succeeds(t, "echo alive", "alive")
	if n := f.server.Stats().Instances; n != 1 {
		t.Errorf("got %d instances, want the same one", n)
	}
	return "failure, alive"
}

func atSign(t *testing.T, _ string) string {
	f := inBash(t, "printf %s @secret")
	write(t, f.dir, "secret", "a password", 0o600)
	f.succeeds(t, "{}", "@secret")
	return "ok"
}

func newlines(t *testing.T, _ string) string {
	inBash(t, `printf 'a\n\nb\n\n'`).succeeds(t, "{}", "a\n\nb")
	return "kept, except at the end, as with `$(…)`"
}

func binaryFunction(t *testing.T, _ string) string {
	return returnsBytes(t, inBash(t, "cat bytes"), 4<<10)
}

func largeResult(t *testing.T, _ string) string {
	inBash(t, `head -c 300000 /dev/zero | tr '\0' x`).succeeds(t, "{}", strings.Repeat("x", 300_000))
	return "ok"
}

func heldFunction(t *testing.T, _ string) string {
	return answersAtOnce(t, inBash(t, "sleep 6.3 & echo ok"))
}

func functionOverTheLimit(t *testing.T, _ string) string {
	return timedOut(t, inBash(t, "sleep 8; echo late", "BOOTSTRAP_TIMEOUT=2s"))
}

func state(t *testing.T, _ string) string {
	f := inBash(t, "n=$((n+1)); echo $n")
	for range 3 {
		f.succeeds(t, "{}", "1")
	}
	return "clean"
}

// behind starts a trial of a bash function behind a proxy.
func behind(t *testing.T, code string, choose func(call string) fault) *trial {
	t.Helper()
	f := &trial{way: "function", dir: shellFunction(t, code), log: &locked.Buffer{}}
	fn := emulator.Function{Handler: "index.main_handler", Dir: f.dir, Timeout: patience}
	f.server, f.runner, _ = startBehind(t, protocol.SCF, fn, f.log, choose)
	return f
}

func poll500(t *testing.T, _ string) string {
	var polls atomic.Int32
	f := behind(t, `printf %s "$1"`, func(call string) fault {
		if call != "next" || polls.Add(1) > 3 {
			return pass
		}
		return says(status(500))
	})
	f.succeeds(t, "the event", "the event")
	if n := polls.Load(); n < 4 {
		t.Errorf("got %d polls, want 3 that fail and one more", n)
	}
	return "recovers"
}

func result500(t *testing.T, _ string) string {
	var posts atomic.Int32
	f := behind(t, "echo ok", func(call string) fault {
		if call != "response" || posts.Add(1) > 1 {
			return pass
		}
		return says(status(500))
	})
	f.succeeds(t, "{}", "ok")
	if got := f.server.Stats(); posts.Load() != 2 || got.Responses != 1 || got.Errors != 0 {
		t.Errorf("got %d posts, %+v, want two, the second taken", posts.Load(), got)
	}
	return "posted again, taken once"
}

func hundred(t *testing.T, _ string) string {
	f := inBash(t, "echo ok")
	ms, left, connections := mean(t, f), entries(t, f.tmp), f.server.Stats().Connections
	if left != 0 || connections != 1 {
		t.Errorf("got %d files left and %d connections, want none and one", left, connections)
	}
	return fmt.Sprintf("%.1f / %d / %d", ms, left, connections)
}

func stoppedIdle(t *testing.T, _ string) string {
	f := inBash(t, "echo ok")
	f.succeeds(t, "{}", "ok")
	f.logged(t) // wants status 0
	return "exits with status 0"
}

func largeEvent(t *testing.T, _ string) string {
	event := strings.Repeat("x", 300_000)
	behind(t, `printf %s "$1"`, func(string) fault { return pass }).succeeds(t, event, event)
	return "ok"
}

// apiDown hangs up on all polls for 6 s. This shows runtimes that poll without
// a pause, or run the function without an event.
func apiDown(t *testing.T, _ string) string {
	var tries atomic.Int32
	began := sync.OnceValue(time.Now)
	f := behind(t, "echo run >>runs; echo ok", func(call string) fault {
		if call != "next" || time.Since(began()) > 6*time.Second {
			return pass
		}
		tries.Add(1)
		return before(0, hangUp)
	})
	f.succeeds(t, "{}", "ok")
	if runs := lines(t, f.dir, "runs"); len(runs) != 1 || tries.Load() > 20 {
		t.Errorf("got %d tries, runs %q, want at most 20 tries and one run", tries.Load(), runs)
	}
	return fmt.Sprintf("%d tries, then serves the event", tries.Load())
}
