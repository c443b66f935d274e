package adapters

import (
	"os"
	"strings"
	"testing"
)

// Bash options from the environment are in force in the script, and not in the
// host.
func TestShellOptionsOfTheEnvironment(t *testing.T) {
	tests := []struct{ variable, code, kind, want string }{
		{"SHELLOPTS=errexit", "echo ok; false; echo more", "Function.ExitError", "exit status 1"},
		{"SHELLOPTS=errexit", "echo ok", "", "ok"},
		{"SHELLOPTS=braceexpand:noexec", "echo ok", "", "ok"},
		{"SHELLOPTS=xtrace", "echo ok", "", "ok"},
		{"SHELLOPTS=keyword", `sh -c 'echo "$A"' A=b`, "", "b"},
		{"SHELLOPTS=keyword", `printf '%s\n' "$1" | wc -l`, "", "1"},
		{"SHELLOPTS=nounset:pipefail", "false | true; echo $?", "", "1"},
		{"SHELLOPTS=pipefail", "bash -c 'false | true; echo $?'", "", "1"},
		{"BASHOPTS=nullglob", "echo a *.none", "", "a"},
		{"BASHOPTS=nullglob", "bash -c 'echo a *.none'", "", "a"},
	}
	for _, test := range tests {
		t.Run(test.variable+" "+test.code, func(t *testing.T) {
			c := script(t, "echo loading >&2; "+evaluate)
			name, value, _ := strings.Cut(test.variable, "=")
			c.Environ = append(c.Environ, test.variable, "SECRET_OF_OURS=hidden")
			c.Getenv = func(n string) string {
				if n == name {
					return value
				}
				return os.Getenv(n)
			}
			a := start(t, c)
			for range 2 {
				if test.kind != "" {
					fails(t, a, test.code, test.kind, test.want)
				} else {
					succeeds(t, a, test.code, test.want)
				}
			}
		})
	}
}

// A script may make the host's variables its own, and readonly.
func TestShellReadonly(t *testing.T) {
	bashes(t, func(t *testing.T, _ dialect) {
		for _, text := range []string{"readonly IFS=x", "readonly IFS=", `IFS=$'\n\t'; readonly IFS`, "readonly REPLY=x MAPFILE=y"} {
			a := start(t, script(t, text+"; "+evaluate))
			succeeds(t, a, " echo 'x y' ", "x y")
			succeeds(t, a, "echo ok", "ok")
		}
		c := script(t, "readonly IFS=x; helper() { :; }; other() { :; }")
		wantFailure(t, c.adapter().Start(t.Context()), "Runtime.HandlerNotFound", "(it defines: helper other)")
	})
}
