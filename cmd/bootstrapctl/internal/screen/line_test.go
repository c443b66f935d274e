package screen

import (
	"bytes"
	"strings"
	"testing"
)

const report = `2026-11-30T03:52:52.269Z [INFO]  bootstrap: event: request_id=08c11ec5-60e4-4d70-aa6b-a0fcf78573d0 outcome=ok took=1.2ms in=70 out=70 pid=77`

// ownLevel agrees with readOwn.
func TestOwnLevel(t *testing.T) {
	for _, line := range []string{
		report, "2026-11-30T03:52:52.269Z [WARN]  bootstrap.worker: slow: took=1s", "2026-11-30T03:52:52+0800 [ERROR] bootstrap: gone",
		"", "hello", "2026-11-30T03:52:52.269Z [INFO]  other: event", " " + report,
	} {
		if own, ok := readOwn(line); ok != (ownLevel(line) != "") || own.level != ownLevel(line) {
			t.Errorf("%q: got %q, readOwn says %q, %v", line, ownLevel(line), own.level, ok)
		}
	}
}

// An error of the runtime without error= is shown, and does not replace the reason why
// the runtime cannot continue.
func TestErrorWithoutReason(t *testing.T) {
	const late = `2026-11-30T03:52:52.269Z [ERROR] bootstrap: the stop command timed out: limit=2s`
	const want = "the stop command timed out limit=2s"
	var out bytes.Buffer
	s := New(&out, &out, Options{Getenv: func(string) string { return "" }})
	l := &Log{screen: s, why: "the worker exited"}
	s.logLine(l, late+"\n")
	if !strings.Contains(out.String(), want) || l.why != "the worker exited" {
		t.Errorf("got %q and the reason %q", out.String(), l.why)
	}
	if got := LastLine([]byte(late)); got != want {
		t.Errorf("got the last line %q, want %q", got, want)
	}
}

func BenchmarkOwnLevel(b *testing.B) {
	for b.Loop() {
		ownLevel(report)
	}
}

func BenchmarkReadOwn(b *testing.B) {
	for b.Loop() {
		readOwn(report)
	}
}
