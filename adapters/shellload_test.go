package adapters

import (
	"context"
	"os"
	"strings"
	"testing"

	"bootstrap/protocol"
)

type loadRow struct{ name, text, kind, want string }

var loadRows = []loadRow{
	{"exit", "echo no luck >&2\nexit 3\nmain() { :; }", "Runtime.UserCodeExit", "index.sh exited while it was being loaded: exit status 3: no luck"},
	{"exit 0", "exit\nmain() { :; }", "Runtime.UserCodeExit", "exited while it was being loaded: exit status 0"},
	{"set -e", "set -e\nls /nowhere\nmain() { :; }", "Runtime.UserCodeExit", "exited while it was being loaded: exit status 2: ls: cannot access '/nowhere'"},
	{"exec", "exec true\nmain() { :; }", "Runtime.UserCodeExit", "exited while it was being loaded: exit status 0"},
	{"killed", "kill -9 $$", "Runtime.UserCodeExit", "exited while it was being loaded: killed by signal 9 (killed)"},
	{"a loop, the wrong way", "while read -r line; do :; done\nexit 7", "Runtime.UserCodeExit", "exit status 7"},
}

var bashLoadRows = []loadRow{
	{"a syntax error", "main() {\n  echo hi\n}\nif then\n", "Runtime.UserCodeSyntaxError", "index.sh: line 4: syntax error near unexpected token"},
	{"no end", "main() {\n  echo hi\n", "Runtime.UserCodeSyntaxError", "index.sh: line 3: syntax error: unexpected end of file"},
	{"a quote", "main() { echo 'hi; }\n", "Runtime.UserCodeSyntaxError", "line 1: unexpected EOF while looking for matching"},
	{"windows line ends", "main() {\r\n  echo hi\r\n}\r\n", "Runtime.UserCodeSyntaxError", "index.sh, which has Windows line ends (CRLF)"},
	{"empty", "", "Runtime.HandlerNotFound", "index.sh does not define the function main (it defines: none)"},
	{"another function", "handler() { :; }; helper() { :; }", "Runtime.HandlerNotFound", "(it defines: handler helper)"},
	{"another function and an odd IFS", "IFS=hn; handler() { :; }; helper() { :; }", "Runtime.HandlerNotFound", "(it defines: handler helper)"},
	{"many functions", "for i in {1000..9999}; do eval \"f$i() { :; }\"; done", "Runtime.HandlerNotFound", "(it defines: f1000 f1001 "},
	{"a variable", "main='echo hi'", "Runtime.HandlerNotFound", "(it defines: none)"},
	{"set -u", "set -u\necho $NOPE\nmain() { :; }", "Runtime.UserCodeExit", "index.sh: line 2: NOPE: unbound variable"},
}

var shLoadRows = []loadRow{
	{"a syntax error", "main() {\n  echo hi\n}\nif then\n", "Runtime.", "yntax error: "},
	{"no end", "main() {\n  echo hi\n", "Runtime.", "yntax error: "},
	{"bash's own", "main() {\n  x=(1 2)\n}\n", "Runtime.", "yntax error: "},
	{"empty", "", "Runtime.HandlerNotFound", "index.sh does not define the function main"},
	{"another function", "handler() { :; }", "Runtime.HandlerNotFound", "index.sh does not define the function main"},
	{"a variable", "main='echo hi'", "Runtime.HandlerNotFound", "does not define"},
	{"an alias", "alias main='echo hi'", "Runtime.HandlerNotFound", "does not define"},
	{"set -u", "set -u\necho $NOPE\nmain() { :; }", "Runtime.UserCodeExit", "NOPE: parameter not set"},
}

func TestLoadFails(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		for _, test := range rows(d, loadRows, bashLoadRows, shLoadRows) {
			t.Run(test.name, func(t *testing.T) {
				c, log := d.script(t, test.text), &hook{}
				c.Stderr = log
				failure := startFailure(t, c)
				if err := served("", failure, test.kind, test.want); err != nil {
					t.Error(err)
				}
				if !strings.Contains(failure.Message, c.Dir+"/index.sh") {
					t.Errorf("message: got %q, want the file's name in it", failure.Message)
				}
				if strings.Join(failure.Stack, "\n")+"\n" != log.String() && log.Len() > 0 {
					t.Errorf("stack: got %q, want the log %q", failure.Stack, log)
				}
				noneLeft(t)
			})
		}
	})
}

// A handler that does not name a function is never run.
func TestLoadOddNames(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		for _, name := range inTurn(d, 3, []string{"-x", "-v", "--", "no such", "$(echo)", "*", "é", "if", "ls", "echo", "eval"}) {
			c, log := d.script(t, "main() { :; }"), &hook{}
			c.Handler, c.Stderr = "index."+name, log
			wantFailure(t, startFailure(t, c), "Runtime.HandlerNotFound", "index.sh does not define the function "+name)
			if log.Len() > 0 {
				t.Errorf("%s: log: got %s", name, log)
			}
		}
	})
}

func TestLoadWithout(t *testing.T) {
	t.Run("bash", func(t *testing.T) {
		c := script(t, evaluate)
		c.Getenv = func(string) string { return "/nowhere" }
		wantFailure(t, startFailure(t, c), "Runtime.NoInterpreter", `/index.sh: "bash" is not in PATH (/nowhere)`)
	})
	t.Run("a file", func(t *testing.T) {
		c := config(t, files{"index.sh/x": ""})
		c.Handler = "index.main"
		wantFailure(t, startFailure(t, c), "Runtime.UserCodeSyntaxError", "index.sh: is a directory")
	})
}

// A script that never finishes loading is killed when the start times out.
func TestLoadCancelled(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		for _, text := range []string{"echo go >&2; while :; do :; done", "echo go >&2; sleep 1000", "trap '' TERM; echo go >&2; sleep 1000"} {
			ctx, cancel := context.WithCancel(t.Context())
			c := d.script(t, text)
			c.Stderr = &hook{text: "go", seen: cancel}
			err := c.adapter().Start(ctx)
			wantFailure(t, err, "Runtime.InitError", "index.sh: context canceled")
			if stack := err.(*protocol.Failure).Stack; len(stack) != 1 || stack[0] != "go" {
				t.Errorf("stack: got %q", stack)
			}
			noneLeft(t)
		}
	})
}

// A script may be broken when a new shell loads it: that fails the event, and
// the next tries again.
func TestLoadFailsLater(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c := d.script(t, evaluate)
		a := start(t, c)
		fails(t, a, "kill -9 $$; sleep 1000", "Function.Signal", "signal 9")
		put(t, c.Dir+"/index.sh", []byte("main() {"), 0o644)
		for range 2 {
			got, failure := invoke(t, a, "echo ok")
			err := served(got, failure, pick(d, "Runtime.UserCodeSyntaxError", "Runtime."), pick(d, "syntax error: unexpected end of file", "yntax error: "))
			if err != nil {
				t.Error(err)
			}
		}
		put(t, c.Dir+"/index.sh", []byte(evaluate), 0o644)
		succeeds(t, a, "echo ok", "ok")
	})
}

// The lines that a script logs while it is loaded again do not belong to the event.
func TestStderrOfLoadingAgain(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c := d.script(t, "echo loading >&2\n"+evaluate)
		c.FailOnStderr = true
		a := start(t, c)
		succeeds(t, a, "echo ok", "ok")
		fails(t, a, "kill -9 $$", "Function.Signal", "signal 9")
		succeeds(t, a, "echo ok", "ok")
	})
}

// Variables that change how a bash behaves do not reach the host.
func TestFunctionEnvironments(t *testing.T) {
	tests := []struct{ name, variable string }{
		{"POSIXLY_CORRECT", "POSIXLY_CORRECT=1"},
		{"options", "SHELLOPTS=errexit:nounset:noglob:allexport"},
		{"more options", "BASHOPTS=nullglob:failglob:extglob"},
		{"a function", "BASH_FUNC_read%%=() { exit 9; }"},
		{"a function echo", "BASH_FUNC_echo%%=() { exit 9; }"},
		{"a start-up file", "BASH_ENV=env.sh"},
		{"another locale", "LC_ALL=C"},
		{"no locale", "LC_ALL=nowhere"},
		{"a UTF-8 locale", "LC_ALL=C.UTF-8"},
		{"CDPATH", "CDPATH=/"},
		{"compatibility", "BASH_COMPAT=4.2"},
		{"IFS", "IFS=x"},
	}
	shells(t, func(t *testing.T, d dialect) {
		for _, test := range inTurn(d, 3, tests) {
			t.Run(test.name, func(t *testing.T) {
				c := d.script(t, `main() { command printf %s "$1"; [ "$1" != fail ] || exit 3; }`)
				if err := os.WriteFile(c.Dir+"/env.sh", []byte("echo starting; echo starting >&2; early=1"), 0o644); err != nil {
					t.Fatal(err)
				}
				c.Environ = append(c.Environ, test.variable)
				a := start(t, c)
				for range 2 {
					succeeds(t, a, "世界 \xff", "世界 \xff")
					fails(t, a, "fail", "Function.ExitError", "exit status 3")
				}
			})
		}
	})
}
