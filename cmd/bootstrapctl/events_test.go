package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/events"
)

// event runs the subcommand event.
func event(args ...string) (stdout, stderr string, status int) {
	var out, log bytes.Buffer
	status = run(context.Background(), append([]string{"event"}, args...), nil, &out, &log)
	return out.String(), log.String(), status
}

// TestEventUsage checks what the command says about wrong arguments.
func TestEventUsage(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"scff", `unknown platform "scff": expected scf, functiongraph or lambda: did you mean scf?`},
		{"azure", `unknown platform "azure": expected scf, functiongraph or lambda`},
		{"scf apigv", "scf has no event \"apigv\": did you mean apigw?\n\"bootstrapctl event scf\" lists the events"},
		{"lambda timer", "lambda has no event \"timer\"\n\"bootstrapctl event lambda\" lists the events"},
		{"scf apigw now", `cannot use the arguments ["now"]: expected a platform and a name`},
		{"-method GET", "-method, -path and -body change an event: expected a platform and a name"},
		{"scf -body x", "-method, -path and -body change an event: expected a platform and a name"},
		{"scf timer -path /", "cannot change the event timer: it is not an HTTP request"},
		{"scf apigw -path x", `cannot write the event: the path "x" does not begin with a slash`},
		{"scf apigw -method G@T", `cannot write the event: invalid method "G@T"`},
		{"scf apigw -metod GET", "unknown flag -metod: did you mean -method?\n\"bootstrapctl event -h\" lists the flags"},
	} {
		stdout, stderr, status := event(strings.Fields(test.args)...)
		if want := "bootstrapctl event: " + test.want + "\n"; stdout != "" || stderr != want || status != exitUsage {
			t.Errorf("%s: got status %d, %q, %q, want %q", test.args, status, stdout, stderr, want)
		}
	}
}

// TestEventList checks that the list has a line for each template.
func TestEventList(t *testing.T) {
	stdout, stderr, status := event()
	if strings.Count(stdout, "\n") != len(events.All) || stderr != "" || status != exitResult {
		t.Errorf("got status %d, %q, %q", status, stdout, stderr)
	}
	stdout, _, _ = event("functiongraph")
	if strings.Count(stdout, "\n") != len(events.Of("functiongraph")) || strings.Contains(stdout, "scf") {
		t.Errorf("got %q", stdout)
	}
}

// TestEventPrints checks that flags may stand anywhere.
func TestEventPrints(t *testing.T) {
	want, _, status := event("scf", "url", "-path", "/x?a=1", "-body", "hi")
	if !strings.Contains(want, `"body": "hi"`) || !strings.Contains(want, `"path": "/x"`) || status != exitResult {
		t.Errorf("got status %d, %q", status, want)
	}
	if got, _, _ := event("-body", "hi", "scf", "-path", "/x?a=1", "url"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A full disk refuses each write.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestEventCannotPrint(t *testing.T) {
	var log bytes.Buffer
	status := run(context.Background(), []string{"event", "scf", "hello"}, nil, fullDisk{}, &log)
	if status != exitFailure || log.String() != "bootstrapctl event: no space left on device\n" {
		t.Errorf("got status %d, %q", status, log.String())
	}
}
