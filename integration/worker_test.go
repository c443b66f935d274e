package integration

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// obeys is a worker in Python that runs its event as code, which must also
// answer.
const obeys = `#!/usr/bin/env python3
import json, os, signal, subprocess, sys, time

def say(data):
    while data:
        data = data[os.write(3, data):]

def frame(header, body=b""):
    return json.dumps(dict(header, length=len(body))).encode() + b"\n" + body

def answer(text):
    say(frame(me, str(text).encode()))

if os.path.exists("start"):
    exec(open("start").read())
say(frame({"ready": True}))
for line in sys.stdin.buffer:
    header = json.loads(line)
    me = {"id": header["id"]}
    exec(sys.stdin.buffer.read(header["length"]))
`

// worker starts a trial of a worker that obeys, with a time limit.
func worker(t *testing.T, p *protocol.Platform, first string, env ...string) *trial {
	t.Helper()
	f := &trial{way: "worker", tmp: t.TempDir(), log: &locked.Buffer{}}
	w := f.kind()
	w.runs = obeys
	fn := w.install(t, "")
	write(t, fn.Dir, "start", first, 0o644)
	fn.Timeout, f.dir = patience, fn.Dir
	fn.Env = slices.Concat([]string{"TMPDIR=" + f.tmp, "BOOTSTRAP_LOG_LEVEL=error"}, fn.Env, env)
	f.server, f.runner = start(t, p, fn, f.log)
	return f
}

// Whatever a worker does instead of answering, its event fails, and another
// worker serves the next one.
func TestR07Replaced(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		f := worker(t, p, "", "BOOTSTRAP_TIMEOUT=4s", "BOOTSTRAP_MARGIN=2s")
		for _, fault := range []struct{ does, kind, text string }{
			{`os._exit(3)`, "Function.ExitError", "exit status 3"},
			{`os._exit(0)`, "Function.ExitError", "exit status 0"},
			{`raise KeyError("no such customer")`, "Function.ExitError", "no such customer"},
			{`os.kill(os.getpid(), signal.SIGKILL)`, "Function.Signal", "signal 9"},
			{`os.kill(0, signal.SIGTERM); time.sleep(300)`, "Function.Signal", "signal 15"},
			{`os.close(0); os.close(1); os.close(2); os._exit(4)`, "Function.ExitError", "exit status 4"},
			{`time.sleep(300)`, "Function.Timeout", "timed out"},
			{`signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)`, "Function.Timeout", "timed out"},
			{`os.kill(os.getpid(), signal.SIGSTOP)`, "Function.Timeout", "timed out"},
			{`os.close(3); time.sleep(300)`, "Function.BadFrame", "closed descriptor 3"},
			{`os.close(3); os._exit(5)`, "Function.ExitError", "exit status 5"},
			{`say(b"Hello!\n"); time.sleep(300)`, "Function.BadFrame", "Hello!"},
			{`say(b"\n\n\n"); time.sleep(300)`, "Function.BadFrame", "not a frame"},
			{`say(b"{\"id\": \n"); time.sleep(300)`, "Function.BadFrame", "not a frame"},
			{`say(b"{" + b" " * 300_000); time.sleep(300)`, "Function.BadFrame", "not a frame"},
			{`say(b"{\"length\": -1}\n"); time.sleep(300)`, "Function.BadFrame", "not a frame"},
			{`say(frame({"id": "another"}, b"text")); time.sleep(300)`, "Function.BadFrame", `"another"`},
			{`say(frame({}, b"text")); time.sleep(300)`, "Function.BadFrame", `""`},
			{`say(frame({"ready": True})); time.sleep(300)`, "Function.BadFrame", `""`},
			{`say(frame(me, b"text")[:-1]); time.sleep(300)`, "Function.Timeout", "3 of the 4 bytes"},
		} {
			before := f.obeyed(t, "os.getpid()")
			f.fails(t, fault.does, fault.kind, fault.text)
			if f.obeyed(t, "os.getpid()") == before {
				t.Errorf("%s: the worker was not replaced", fault.does)
			}
		}
		f.leavesNothing(t)
		if got := f.server.Stats(); got.Instances != 1 || !connected(p, got) {
			t.Errorf("got %+v, want one instance and its connections", got)
		}
	})
}

// obeyed returns the value of an expression in the worker.
func (f *trial) obeyed(t *testing.T, expression string) string {
	t.Helper()
	out := f.invoke(t, "answer("+expression+")")
	if out.Kind != emulator.Result {
		t.Fatalf("%s: got %v %s, want a result", expression, out.Kind, out.Body)
	}
	return string(out.Body)
}

// A worker that writes more than one answer serves its event, and no later one,
// so that no answer belongs to another event.
func TestP16MoreThanOneAnswer(t *testing.T) {
	f := worker(t, protocol.SCF, "")
	for range effort.Repeats(10) {
		for _, more := range []string{
			`say(frame(me, b"first") + frame(me, b"second"))`,
			`say(frame(me, b"first")); say(frame(me, b"second"))`,
			`say(frame(me, b"first") + b"{")`,
			`say(frame(me, b"first")); say(b"garbage")`,
			`say(frame(me, b"first")); os._exit(3)`,
			`say(frame(me, b"first")); os.close(3)`,
			`say(frame(me, b"first")); os.kill(0, signal.SIGKILL)`,
			// The event after this one may have begun.
			`say(frame(me, b"first")); later = dict(me); time.sleep(0.001); say(frame(later, b"second"))`,
		} {
			f.succeeds(t, more, "first")
			out := f.invoke(t, `answer("next")`)
			if text := string(out.Body); out.Kind == emulator.Result && text != "next" {
				t.Errorf("%s: the next event got %q", more, text)
			}
		}
	}
	f.succeeds(t, `answer("in the end")`, "in the end")
	f.leavesNothing(t)
}

// A worker that can no longer answer is noticed at once, not at the time limit.
func TestP13ClosedAnswers(t *testing.T) {
	f := worker(t, protocol.SCF, "")
	for range 5 {
		out := f.invoke(t, `os.close(3); time.sleep(300)`)
		if out.ErrorType != "Function.BadFrame" || out.Duration > 2*time.Second {
			t.Errorf("got %v %s after %v, want a failure at once", out.Kind, out.Body, out.Duration)
		}
		f.obeyed(t, "1")
	}
}

// If a worker is killed in the middle of an answer, the failure says how much
// of it arrived, and quotes the end of stderr.
func TestE14HalfAnAnswer(t *testing.T) {
	f := worker(t, protocol.SCF, "")
	const last = `os.write(2, b"no memory for the customer\n"); `
	for does, text := range map[string]string{
		`say(frame(me, b"0123456789")[:-4]); `:  "6 of the 10 bytes",
		`say(frame(me, b"0123456789")[:7]); `:   "7 bytes of the first line",
		`say(frame(me, b"x" * 200_000)[:-1]); `: "199999 of the 200000 bytes",
	} {
		got := f.fails(t, does+last+"os.kill(os.getpid(), signal.SIGKILL)", "Function.Signal", text, "no memory for the customer")
		if !slices.Equal(got.Stack, []string{"no memory for the customer"}) {
			t.Errorf("got the stack trace %q", got.Stack)
		}
		f.fails(t, does+last+"os._exit(3)", "Function.ExitError", text, "no memory for the customer", "exit status 3")
	}
}

// A result in a frame that is too large is skipped, and not kept.
func TestP11LargeFrame(t *testing.T) {
	f := worker(t, protocol.SCF, "")
	const size = 300 << 20
	before := f.obeyed(t, "os.getpid()")
	f.fails(t, fmt.Sprintf(`say(json.dumps(dict(me, length=%d)).encode() + b"\n"); [say(b"x" * (1 << 20)) for _ in range(%d)]`, size, size>>20),
		"Function.ResponseSizeTooLarge", strconv.Itoa(size), strconv.Itoa(protocol.SCF.MaxResult))
	f.staysUnder(t, 40<<20)
	if f.obeyed(t, "os.getpid()") != before {
		t.Error("the worker was replaced")
	}
}
