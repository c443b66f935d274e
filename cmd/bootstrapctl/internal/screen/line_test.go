package screen

import "testing"

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
