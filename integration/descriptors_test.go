package integration

import (
	"context"
	"fmt"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// allowing returns a wrapper that limits the descriptors of the runtime.
func allowing(descriptors int) []string {
	return []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, descriptors), "sh"}
}

// With enough descriptors, all slots serve at the same time.
func TestR29FewDescriptors(t *testing.T) {
	const n = 10
	for _, way := range []string{"stdin", "function", "sh", "python", "node"} {
		t.Run(way, func(t *testing.T) {
			w := named(way)
			fn := w.function(t, "touch $$; until [ $(ls | grep -c '^[0-9]*$') -ge 10 ]; do sleep 0.05; done; echo ok")
			fn.Timeout, fn.Concurrency, fn.InitLimit = patience, n, patience
			_, runner := start(t, protocol.Lambda, fn, nil, allowing(32+10*n)...)
			outs := make(chan emulator.Outcome)
			for range n {
				go func() {
					out, _ := runner.Invoke(context.Background(), emulator.Event{Body: w.event("{}")}) // its kind shows a failure
					outs <- out
				}()
			}
			for range n {
				if out := <-outs; out.Kind != emulator.Result {
					t.Errorf("got %v %s, want a result", out.Kind, out.Body)
				}
			}
		})
	}
}

// With too few descriptors the start fails, and the error says how many there
// are and how many are needed.
func TestR29TooFewDescriptors(t *testing.T) {
	for name, row := range map[string]struct {
		allowed, slots int
		texts          []string
	}{
		"slots": {131, 10, []string{"allows 131 descriptors", "10 events at the same time need 132", "set BOOTSTRAP_CONCURRENCY to 9"}},
		"bash":  {107, 1, []string{"allows 107 descriptors", "a function in bash needs 108"}},
		"one":   {40, 1, []string{"allows 40 descriptors", "an event needs 42", "raise the limit"}},
	} {
		t.Run(name, func(t *testing.T) {
			fn := emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "echo ok"), Timeout: patience, Concurrency: row.slots}
			_, runner := start(t, protocol.Lambda, fn, nil, allowing(row.allowed)...)
			out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
			if err != nil || out.Kind != emulator.InitFailed {
				t.Errorf("got %v %s, %v, want a failed start", out.Kind, out.Body, err)
			}
			isFailure(t, out, "", row.texts...)
		})
	}
}
