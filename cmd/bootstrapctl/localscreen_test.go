//go:build linux

package main

import (
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/local"
)

// The screen shows the parts that a fault has. An error of this machine is only a text.
func TestReasonOf(t *testing.T) {
	for want, e := range map[string]clouderror.Error{
		"too many open files":                  {Platform: "scf", Text: "too many open files"},
		"all instances are busy: 432 Too many": {Platform: "scf", Cause: clouderror.Throttled, Code: "432", Text: "Too many\n"},
		"the function fails: 430":              {Platform: "scf", Cause: clouderror.Failed, Code: "430"},
	} {
		if got := reasonOf(&local.Invocation{Fault: &local.Fault{Error: e}}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A command that the screen shows for a trigger reaches the trigger: POST / would be a
// plain event.
func TestTriggerURL(t *testing.T) {
	for path, want := range map[string]string{
		"/": "http://h/apigw/f/", anyTriggerPath: "http://h/apigw/f/", "/pets": "http://h/pets",
	} {
		if got := triggerURL("http://h", "f", local.Trigger{Path: path}); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
