package adapters

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bootstrap/supervisor"
)

// A process that ignores SIGTERM gets half of the rest of the stop, which is
// known only at that time. Here no time is left.
func TestStopStubborn(t *testing.T) {
	const stubborn = "trap '' TERM; echo go >&2; while :; do sleep 1; done"
	for name, c := range map[string]setup{
		"program":  config(t, files{"tool": "#!/bin/sh\n" + stubborn}),
		"function": script(t, evaluate),
		"worker":   workerProgram(t, obeys),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "program" {
				c.Handler = "tool"
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			var until time.Time
			log := &hook{text: "go", seen: func() {
				until = time.Now()
				cancel(&supervisor.StopError{Until: until})
			}}
			c.Stdout, c.Stderr = log, log
			a := start(t, c)
			_, failure := invokeFor(ctx, t, a, newEvent(stubborn))
			wantFailure(t, failure, "Function.Stopped", "the runtime is stopping")
			if took := time.Since(until); took >= defaultGrace {
				t.Errorf("it took %v, want less than the usual grace", took)
			}
		})
	}
}

// Traps that the script has set run when the runtime stops.
func TestStopRunsTraps(t *testing.T) {
	const traps = `trap 'echo "exit $x"; echo more >&2' EXIT; trap "echo term; x=2" TERM; x=1; main() { trap 'echo event >&2' EXIT; }`
	tests := []struct {
		name, text, want string
	}{
		{"both", traps, "event\nterm\nexit 2\nmore\n"},
		{"EXIT", "trap 'echo done' EXIT; " + evaluate, "done\n"},
		{"EXIT, with the word TERM", "trap 'echo SIGTERM' EXIT; " + evaluate, "SIGTERM\n"},
		{"TERM, which exits", "trap 'echo done; exit 3' TERM; " + evaluate, "done\n"},
		{"none", evaluate, ""},
	}
	shells(t, func(t *testing.T, d dialect) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				c, log := d.script(t, test.text), &hook{}
				c.Stdout, c.Stderr = log, log
				a := start(t, c)
				succeeds(t, a, "", "")
				if err := a.Close(patience); err != nil || log.String() != test.want {
					t.Errorf("got %v and the log %q, want %q", err, log, test.want)
				}
			})
		}
	})
	c := script(t, "trap 'sleep 1000' EXIT; "+evaluate)
	a := start(t, c)
	began := time.Now()
	if err := a.Close(100 * time.Millisecond); err != nil || time.Since(began) > patience/2 {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}

// The handler that a function has for SIGTERM runs once, even if it takes most of the
// stop's time.
func TestStopRunsHandlersOnce(t *testing.T) {
	const limit, pause = 3 * time.Second, 1300 * time.Millisecond
	inPython, pythonLog := python(t, fmt.Sprintf(`
import signal, sys, time
def bye(*_):
    print("begins", flush=True)
    time.sleep(%f)
    print("ends", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
def main_handler(event, context): pass
`, pause.Seconds()))
	inNode, nodeLog := node(t, fmt.Sprintf(`
process.on('SIGTERM', () => { console.log('begins'); setTimeout(() => { console.log('ends'); process.exit(0); }, %d); });
exports.main_handler = async () => null;
`, pause.Milliseconds()))
	for name, row := range map[string]struct {
		c   setup
		log fmt.Stringer
	}{"Python": {inPython, pythonLog}, "Node": {inNode, nodeLog}} {
		t.Run(name, func(t *testing.T) {
			a := start(t, row.c)
			succeeds(t, a, "{}", "null")
			if err := a.Close(limit); err != nil {
				t.Error(err)
			}
			if got := row.log.String(); strings.Count(got, "begins") != 1 || strings.Count(got, "ends") != 1 {
				t.Errorf("got the log %q", got)
			}
		})
	}
}
