package adapters

import (
	"strings"
	"testing"
	"time"
)

// The failure of a command that wrote only to stdout quotes it, and the log has
// it.
func TestStdoutOfFailure(t *testing.T) {
	tests := []struct {
		name, code, message, logged string
	}{
		{"the reason", "echo 'the disk is gone'; exit 3", "exit status 3: the disk is gone", "the disk is gone\n"},
		{"the last line", "echo one; echo two; echo; exit 1", "exit status 1: two", "one\ntwo\n\n"},
		{"the last that complains", "echo 'error: first'; echo 'error: last'; echo bye; exit 1", "exit status 1: error: last", "error: first\nerror: last\nbye\n"},
		{"no newline at the end", "printf reason; exit 1", "exit status 1: reason", "reason\n"},
		{"stderr says more", "echo out; echo err >&2; exit 1", "exit status 1: err", "out\n"},
		{"blank stderr", "echo out; echo >&2; exit 1", "exit status 1: out", "out\n"},
		{"nothing", "exit 1", "exit status 1", ""},
		{"not text", `printf '\377\376'; exit 1`, "exit status 1", ""},
		{"long", `yes 123456789 | head -n 20000; echo 'cannot go on'; exit 1`, "exit status 1: cannot go on", "cannot go on\n"},
	}
	program, fn := config(t, nil), script(t, evaluate)
	program.Command, program.Delivery = `eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		log := &hook{}
		c.Stdout = log
		a := start(t, c)
		for _, test := range tests {
			t.Run(kind+"/"+test.name, func(t *testing.T) {
				log.Reset()
				fails(t, a, test.code, "Function.ExitError", test.message)
				if got := log.String(); !strings.HasSuffix(got, test.logged) || len(got) > maxLogged || test.logged == "" && got != "" {
					t.Errorf("logged %q, want %q", got, test.logged)
				}
			})
		}
		t.Run(kind+"/success", func(t *testing.T) {
			log.Reset()
			succeeds(t, a, "printf fine", "fine")
			if got := log.String(); got != "" {
				t.Errorf("logged %q", got)
			}
		})
	}
}

// The output of a command that times out is logged.
func TestStdoutOfTimeout(t *testing.T) {
	program, fn := config(t, nil), script(t, evaluate)
	program.Command, program.Delivery = `eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		t.Run(kind, func(t *testing.T) {
			stdout, stderr := &hook{}, &hook{}
			c.Stdout, c.Stderr = stdout, stderr
			a := start(t, c)
			timeUp(t, a, "echo at step 2; echo go >&2; sleep 60", stderr, time.Second)
			if got := stdout.String(); got != "at step 2\n" {
				t.Errorf("logged %q", got)
			}
		})
	}
}
