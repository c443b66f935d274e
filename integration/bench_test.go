package integration

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// The benchmarks compare bootstrap with a runtime in bash and curl, each on
// the local platform, in one run: look at the ratios, not at the times.

// contenders run the same function, or a tool.
func contenders(b *testing.B) map[string]struct {
	program string
	fn      emulator.Function
} {
	dir, err := filepath.Abs("../examples/shell")
	if err != nil {
		b.Fatal(err)
	}
	loop, err := filepath.Abs("testdata/bash-curl")
	if err != nil {
		b.Fatal(err)
	}
	shell := emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: time.Minute}
	cat := shell
	cat.Env = []string{`BOOTSTRAP_COMMAND=["cat"]`}
	return map[string]struct {
		program string
		fn      emulator.Function
	}{
		"bash-curl/shell": {loop, shell},
		"bootstrap/shell": {bootstrap, shell},
		"bootstrap/cat":   {bootstrap, cat},
	}
}

func run(b *testing.B, program string, fn emulator.Function) *emulator.Runner {
	b.Helper()
	server, err := emulator.New(protocol.SCF, fn)
	if err != nil {
		b.Fatal(err)
	}
	runner := emulator.NewRunner(server, []string{program}, nil, nil)
	b.Cleanup(func() {
		runner.Stop()
		server.Close()
	})
	return runner
}

func invoke(b *testing.B, runner *emulator.Runner, event []byte) emulator.Outcome {
	out, err := runner.Invoke(context.Background(), emulator.Event{Body: event})
	if err != nil || out.Kind != emulator.Result {
		b.Fatalf("got %v, %s %v, want a result", out.Kind, out.Body, err)
	}
	return out
}

// BenchmarkReady is the time from the start of the process until it is ready.
func BenchmarkReady(b *testing.B) {
	for name, c := range contenders(b) {
		b.Run(name, func(b *testing.B) {
			runner := run(b, c.program, c.fn)
			var total time.Duration
			for b.Loop() {
				total += invoke(b, runner, []byte("{}")).Init
				runner.Stop()
			}
			b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs-to-ready")
			b.ReportMetric(0, "ns/op") // the whole life of an instance says little
		})
	}
}

// BenchmarkEvent is the time from the delivery of an event to its result.
func BenchmarkEvent(b *testing.B) {
	small := []byte(`{"key": "a small event, as most are, of about one hundred bytes", "number": 1234567890, "list": []}`)
	for name, c := range contenders(b) {
		b.Run(name, func(b *testing.B) {
			runner := run(b, c.program, c.fn)
			invoke(b, runner, small)
			var total time.Duration
			for b.Loop() {
				total += invoke(b, runner, small).Duration
			}
			b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs/event")
			b.ReportMetric(0, "ns/op") // the emulator's part is in it
		})
	}
}
