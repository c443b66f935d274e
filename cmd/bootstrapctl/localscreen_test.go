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
