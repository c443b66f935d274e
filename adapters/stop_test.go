package adapters

import (
	"context"
	"testing"
	"time"

	"bootstrap/supervisor"
)

// What does not end gently has half of what is left of the stop for it, which
// is known only then: here nothing is left.
func TestStopStubborn(t *testing.T) {
	const stubborn = "trap '' TERM; echo go >&2; while :; do sleep 1; done"
	for name, c := range map[string]Config{
		"program":  config(t, files{"tool": "#!/bin/sh\n" + stubborn}),
		"function": script(t, evaluate),
		"worker":   resident(t, obeys),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "program" {
				c.Handler = "tool"
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			var told time.Time
			log := &hook{text: "go", seen: func() {
				told = time.Now()
				cancel(&supervisor.StopError{Until: told})
			}}
			c.Stdout, c.Stderr = log, log
			a := start(t, c)
			_, failure := invokeFor(ctx, t, a, newEvent(stubborn))
			wantFailure(t, failure, "Function.Stopped", "the runtime was told to stop")
			if took := time.Since(told); took >= usualGrace {
				t.Errorf("it took %v, want less than the usual grace", took)
			}
		})
	}
}
