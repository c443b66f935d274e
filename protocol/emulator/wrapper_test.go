package emulator

import (
	"os"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// SIGTERM reaches the runtime exactly once, behind any wrapper.
func TestStopBehindWrappers(t *testing.T) {
	for name, row := range map[string]struct{ line, out string }{
		"nothing":        {`exec "$0"`, ""},
		"env":            {`exec env A=b "$0"`, ""},
		"a shell":        {`A=b "$0"; exit $?`, ""},
		"a line":         {`cd /; A=b "$0"; echo "status $?"`, "status 0\n"},
		"two shells":     {`sh -c 'A=b "$0"; echo "status $?"' "$0"; echo over`, "status 0\nover\n"},
		"a pipe":         {`"$0" | cat`, ""},
		"a job":          {`"$0" & wait $!; echo "status $?"`, "status 0\n"},
		"a group":        {`timeout 60 "$0"; echo "status $?"`, "status 0\n"},
		"a session":      {`setsid -w "$0"; echo "status $?"`, "status 0\n"},
		"another shell":  {`bash -c 'A=b "$0"; echo "status $?"' "$0"`, "status 0\n"},
		"what it starts": {`sleep 300 & "$0"; kill $!; echo over`, "over\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRunnerFixture(t, protocol.SCF, Function{Env: []string{"PATH=" + os.Getenv("PATH")}}, "runtime")
			g.Runner = NewRunner(g.s, []string{"/bin/sh", "-c", row.line, os.Args[0]}, &g.stdout, &g.stderr)
			g.invoke("hello", Result)
			if state := g.Stop(); state == nil || state.ExitCode() != 0 {
				t.Errorf("got %v, want exit status 0", state)
			}
			if got := strings.Count(g.stderr.String(), "terminated\n"); got != 1 || g.stdout.String() != row.out {
				t.Errorf("got %q and %q on stderr, want %q and one SIGTERM", &g.stdout, &g.stderr, row.out)
			}
		})
	}
}

// A runtime whose children make its calls gets the SIGTERM itself.
func TestStopOfARuntimeThatDoesNotCall(t *testing.T) {
	const line = `trap 'echo terminated >&2; kill $! 2>/dev/null; exit 0' TERM
while :; do "$0" & wait $! || exit 1; done`
	g := newRunnerFixture(t, protocol.SCF, Function{}, "one event")
	g.Runner = NewRunner(g.s, []string{"/bin/sh", "-c", line, os.Args[0]}, &g.stdout, &g.stderr)
	for range 3 {
		g.invoke("hello", Result)
	}
	if state := g.Stop(); state == nil || state.ExitCode() != 0 || g.stderr.String() != "terminated\n" {
		t.Errorf("got %v and %q on stderr, want exit status 0 and SIGTERM", state, &g.stderr)
	}
}
