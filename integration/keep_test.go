package integration

import (
	"context"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A process that outlives its event may write, but not into the result of a later
// event.
func TestKeptProcessCannotWriteIntoALaterResult(t *testing.T) {
	const code = `if [ ! -e again ]; then
	touch again
	(trap '' PIPE; until [ -e go ]; do sleep 0.01; done; echo leak; touch gone) &
	echo one
else
	touch go
	until [ -e gone ]; do sleep 0.01; done
	echo two
fi`
	program := t.TempDir()
	write(t, program, "tool", "#!/bin/sh\n"+code, 0o755)
	for name, fn := range map[string]emulator.Function{
		"program":  {Handler: "tool", Dir: program},
		"function": {Handler: "index.main_handler", Dir: shellFunction(t, code)},
	} {
		t.Run(name, func(t *testing.T) {
			fn.Timeout, fn.Env = 20*time.Second, []string{"BOOTSTRAP_LEFTOVERS=keep"}
			_, runner := start(t, protocol.SCF, fn, nil)
			for _, want := range []string{"one", "two"} {
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte("{}")})
				if got := string(out.Body); err != nil || got != want && got != want+"\n" {
					t.Errorf("got %v %q, %v, want %q", out.Kind, got, err, want)
				}
			}
		})
	}
}

// The same holds after a timeout that only processes which ignore SIGTERM
// survive.
func TestKeptFromATimeoutCannotWriteIntoALaterResult(t *testing.T) {
	const code = `if [ ! -e again ]; then
	touch again
	(trap '' TERM PIPE; until [ -e go ]; do sleep 0.01; done; echo leak; touch gone) &
	sleep 60
else
	touch go
	i=0; until [ -e gone ] || [ $i -ge 50 ]; do sleep 0.01; i=$((i+1)); done
	echo two
fi`
	_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, code),
		Timeout: 3 * time.Second, Env: []string{"BOOTSTRAP_LEFTOVERS=keep", "BOOTSTRAP_MARGIN=1s"}}, nil)
	fails(t, runner, "{}", "Function.Timeout")
	if got := succeeds(t, runner, "{}"); got != "two" {
		t.Errorf("got %q, want %q", got, "two")
	}
}
