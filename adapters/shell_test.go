package adapters

import (
	"context"
	"fmt"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/leaktest"
	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// shells run a test with the host as it is, and as a bash before 4.4 takes it,
// which has no mapfile -d.
func shells(t *testing.T, test func(t *testing.T, old bool)) {
	t.Run("bash", func(t *testing.T) { test(t, false) })
	t.Run("old bash", func(t *testing.T) {
		bash := languageOf("index.sh")
		text := bash.host
		t.Cleanup(func() { bash.host = text })
		bash.host = strings.Replace(text, "mapfile -d ''", "mapfile --not-yet ''", 1)
		if bash.host == text {
			t.Fatal("the host does not call mapfile -d")
		}
		test(t, true)
	})
}

// script is the configuration of a function main in a script.
func script(t *testing.T, text string) setup {
	t.Helper()
	c := config(t, files{"index.sh": text})
	c.Handler = "index.main"
	return c
}

// evaluate is a function that does what its event says.
const evaluate = `main() { eval "$1"; }`

func TestFunctionBytes(t *testing.T) {
	ways := map[string]string{
		"argument": `main() { printf %s "$1"; }`,
		"stdin":    `main() { cat; }`,
		"both":     `main() { printf %s "$1" | cmp - /dev/fd/3 3<&0 || return; printf %s "$1"; }`,
	}
	shells(t, func(t *testing.T, old bool) {
		for way, text := range ways {
			c := script(t, text)
			c.FailOnStderr = true // nothing of ours is on it
			a := start(t, c)
			for name, text := range texts {
				t.Run(way+" "+name, func(t *testing.T) {
					if old && way == "both" && strings.HasSuffix(text, "\n") {
						t.Skip("an old bash drops newlines at the end of the argument")
					}
					succeeds(t, a, text, strings.TrimRight(text, "\n"))
				})
			}
		}
	})
}

// An argument ends at a NUL; stdin and the result do not.
func TestFunctionNULs(t *testing.T) {
	shells(t, func(t *testing.T, old bool) {
		a := start(t, script(t, `main() { cat; }`))
		for _, text := range notText {
			succeeds(t, a, text, strings.TrimRight(text, "\n"))
		}
	})
	a := start(t, script(t, `main() { printf %s "$1"; }`))
	succeeds(t, a, "one\x00two", "one")
	succeeds(t, a, "\x00two", "")
}

func TestFunctionSizes(t *testing.T) {
	shells(t, func(t *testing.T, old bool) {
		a := start(t, script(t, `main() { echo ${#1}; wc -c; }`))
		for _, size := range []int{0, 1, 65535, 65536, 65537, 131071, 131072, 1 << 20, 6 << 20} {
			succeeds(t, a, strings.Repeat("x", size), fmt.Sprintf("%d\n%d", size, size))
		}
	})
	a := start(t, script(t, `main() { cat; }`))
	body := random(6<<20) + "."
	succeeds(t, a, body, body)
	succeeds(t, a, "small", "small")
}

func TestLoadedOnce(t *testing.T) {
	c, log := script(t, `echo loading; echo "and warning" >&2; n=$((n + 1)); main() { echo "$n $$"; }`), &hook{}
	c.Stderr = log
	a := start(t, c)
	first, failure := invoke(t, a, "")
	if failure != nil || !strings.HasPrefix(first, "1 ") {
		t.Fatalf("got %q, %v", first, failure)
	}
	for range 10 {
		succeeds(t, a, "", first)
	}
	if got := log.String(); got != "loading\nand warning\n" {
		t.Errorf("log: got %q, want what it says once", got)
	}
}

// state is all of a shell that an event could have changed.
const state = `
	echo "$$ $PWD $X $# $- $(umask) $(ulimit -n) $PATH"
	set +o; shopt -p; trap -p; alias -p; declare -f; declare -x | grep -v 'FUNCTION_.*_MS='
	ls /proc/self/fd
	printf %q "$IFS"`

// Nothing that an event does reaches the next.
func TestIsolation(t *testing.T) {
	deeds := []struct{ name, code, kind, want string }{
		{"nothing", ":", "", ""},
		{"exit", "echo out; exit 3", "Function.ExitError", "exit status 3"},
		{"exit 0", "echo out; exit; echo more", "", "out"},
		{"return", "return 5", "Function.ExitError", "exit status 5"},
		{"set -e", "set -e; false; echo more", "Function.ExitError", "exit status 1"},
		{"set -u", `set -u; echo "$NOPE"`, "Function.", "NOPE: unbound variable"},
		{"a syntax error", `if (`, "Function.ExitError", "syntax error"},
		{"no command", "no-such-command", "Function.NotFound", "no-such-command: command not found"},
		{"cd", "cd /; pwd", "", "/"},
		{"a removed folder", `mkdir x; cd x; rmdir "$PWD"`, "", ""},
		{"variables", "X=changed; declare -g X=changed; export X; readonly X; PATH=; FUNCTION_REQUEST_ID=x", "", ""},
		{"a function", "main() { echo changed; }; helper() { :; }", "", ""},
		{"no function", "unset -f main helper", "", ""},
		{"the host's variables", "unset ${!__bootstrap@}; for v in ours theirs file function flags status; do declare -g __bootstrap_$v=x; done", "", ""},
		{"options", "set -fxvaC -o pipefail -o posix; shopt -s nullglob failglob extglob dotglob expand_aliases lastpipe", "", ""},
		{"IFS", "IFS=:x", "", ""},
		{"arguments", "set -- a b c", "", ""},
		{"a limit", "umask 077; ulimit -n 50", "", ""},
		{"an alias", "shopt -s expand_aliases; alias main=false read=false", "", ""},
		{"builtins", "read() { exit 9; }; builtin() { exit 9; }; enable -n echo; enable -n read", "", ""},
		{"a trap at its end", "trap 'echo bye' EXIT", "", "bye"},
		{"a trap at its end, failing", "trap 'exit 4' EXIT", "Function.ExitError", "exit status 4"},
		{"traps", "trap 'echo no' DEBUG ERR RETURN USR1 CHLD INT; trap '' TERM", "", "no"},
		{"stdin closed", "exec <&-", "", ""},
		{"stdin read", "cat >/dev/null", "", ""},
		{"stdout closed", "exec >&-", "", ""},
		{"stdout elsewhere", "exec >/dev/null; echo more", "", ""},
		{"stderr elsewhere", "exec 2>/dev/null; echo more >&2", "", ""},
		{"both in one", "exec 2>&1; echo more >&2", "", "more"},
		{"more descriptors", "exec 3>&1 4</dev/null 5>&2 103>&1 104<&0; echo more >&3", "", "more"},
		{"another program", "exec echo more", "", "more"},
		{"another that fails", "exec false", "Function.ExitError", "exit status 1"},
		{"no other program", "exec no-such-program", "Function.NotFound", "no-such-program: not found"},
		{"killed", "kill -9 $BASHPID", "Function.Signal", "killed by signal 9"},
		{"ended", "kill -TERM $BASHPID", "Function.Signal", "killed by signal 15"},
		{"its group ended", "kill -TERM 0; sleep 1000", "Function.Signal", "killed by signal 15"},
		{"the shell asked to end", "kill -TERM $$; echo alive", "", "alive"},
		{"wait", "sleep 0 & wait; echo $?", "", "0"},
		{"a coprocess", "coproc cat; echo more", "", "more"},
		{"a background child", "sleep 1000 & echo more", "", "more"},
		{"a background child that is deaf", "trap '' TERM HUP; (while :; do sleep 1; done) & disown; echo more", "", "more"},
		{"a file", "cat >file; rm file", "", ""},
	}
	shells(t, func(t *testing.T, old bool) {
		a := start(t, script(t, "X=loaded; helper() { :; }; "+evaluate))
		before, failure := invoke(t, a, state)
		if failure != nil {
			t.Fatal(failure)
		}
		pid, _ := strconv.Atoi(strings.Fields(before)[0])
		for _, deed := range deeds {
			t.Run(deed.name, func(t *testing.T) {
				got, failure := invoke(t, a, deed.code)
				switch {
				case deed.kind == "" && (failure != nil || got != deed.want && deed.name != "traps"):
					t.Errorf("got %q, %v, want %q", got, failure, deed.want)
				case deed.kind != "" && (failure == nil || !strings.HasPrefix(failure.Type, deed.kind) || !strings.Contains(failure.Message, deed.want)):
					t.Errorf("got %q, %v, want %s: %s", got, failure, deed.kind, deed.want)
				}
				endOrphans(pid)
				if after, failure := invoke(t, a, state); after != before {
					t.Errorf("before:\n%s\nafter:\n%s\n%v", before, after, failure)
				}
			})
		}
	})
}

// The options of a script are in force in each event, as in a script of its
// own, and not in what serves it.
func TestScriptOptions(t *testing.T) {
	type call struct{ event, kind, want string }
	tests := []struct {
		name, text string
		calls      []call
	}{
		{"set -euo pipefail", "set -euo pipefail\n" + evaluate, []call{
			{"echo ok", "", "ok"},
			{"false; echo more", "Function.ExitError", "exit status 1"},
			{"false | true; echo more", "Function.ExitError", "exit status 1"},
			{`echo "$NOPE"`, "Function.", "unbound variable"},
			{"x=$(exit 7); echo more", "Function.ExitError", "exit status 7"},
			{"if false; then :; fi; false || echo ok", "", "ok"},
			{"sh -c 'exit 9'; echo more", "Function.ExitError", "exit status 9"},
			{"echo ok", "", "ok"},
		}},
		{"set -e, undone", "set -e\n: loading\nset +e\n" + evaluate, []call{{"false; echo more", "", "more"}}},
		{"an ERR trap", "set -Eeuo pipefail; trap 'echo \"error at $BASH_COMMAND\" >&2' ERR\n" + evaluate, []call{
			{"echo ok", "", "ok"},
			{"ls /nowhere 2>/dev/null; echo more", "Function.ExitError", "exit status 2: error at ls /nowhere"},
			{"echo ok", "", "ok"},
		}},
		{"an ERR trap that exits", "trap 'echo out of luck >&2; exit 44' ERR\n" + evaluate, []call{
			{"return 3", "Function.ExitError", "exit status 44: out of luck"},
			{"echo $$ >&2; exit 5", "Function.ExitError", "exit status 5"},
			{"echo ok", "", "ok"},
		}},
		{"an EXIT trap", "trap 'echo bye' EXIT\n" + evaluate, []call{{"echo ok", "", "ok"}, {"exit 3", "Function.ExitError", "3"}}},
		{"a DEBUG trap", "set -T; trap 'echo debug' DEBUG\n" + evaluate, []call{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"a RETURN trap", "set -T; trap 'echo return' RETURN\n" + evaluate, []call{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"a CHLD trap", "trap 'echo child' CHLD\n" + evaluate, []call{{"/bin/true; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"a USR1 trap", "trap 'echo usr1' USR1\n" + evaluate, []call{{"kill -USR1 $$; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"an ignored TERM", "trap '' TERM\n" + evaluate, []call{{"kill -TERM $BASHPID; echo more", "Function.Signal", "signal 15"}, {"echo ok", "", "ok"}}},
		{"set -a", "set -a\n" + evaluate, []call{{"x=1; env | grep -c ^__bootstrap_event", "Function.ExitError", "1"}, {"x=y; sh -c 'echo $x'", "", "y"}}},
		{"set -f", "set -f\n" + evaluate, []call{{"echo *", "", "*"}, {"set +f; echo *", "", "index.sh"}}},
		{"options off", "set +Bh; shopt -u cmdhist extquote\n" + evaluate, []call{{"echo {a,b} $-; shopt extquote", "Function.ExitError", ""}, {"echo {a,b} $-; shopt extquote || :", "", "{a,b} c\nextquote       \toff"}}},
		{"set -m", "set -m\n" + evaluate, []call{{"true & wait; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"set -C", "set -C\n" + evaluate, []call{{"echo ok", "", "ok"}, {"echo x >index.sh", "Function.ExitError", "cannot overwrite"}}},
		{"posix", "set -o posix\n" + evaluate, []call{{"echo ok", "", "ok"}, {"kill -TERM 0", "Function.Signal", "signal 15"}, {"echo ok", "", "ok"}}},
		{"globs", "shopt -s nullglob extglob dotglob globstar nocasematch\nmain() { eval \"$1\"; case x in @(x|y)) echo ok;; esac; }", []call{
			{"echo *.none", "", "\nok"},
			{"[[ A == a ]] && echo yes", "", "yes\nok"},
		}},
		{"aliases", "shopt -s expand_aliases; alias echo=false read=false eval=false source=false trap=false\nmain() { command echo ok; }", []call{{"", "", "ok"}, {"", "", "ok"}}},
		{"inherit_errexit", "set -e; shopt -s inherit_errexit\n" + evaluate, []call{{"x=$(false; echo more)", "Function.ExitError", "1"}, {"echo ok", "", "ok"}}},
		{"an odd IFS", "IFS=$'x \\n/:'\n" + evaluate, []call{{"printf %q \"$IFS\"", "", `$'x \n/:'`}}},
		{"a readonly IFS", "readonly IFS=$'\\n\\t'\n" + evaluate, []call{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"an empty PATH", "PATH=\n" + evaluate, []call{{"echo ok", "", "ok"}, {"ls", "Function.NotFound", "ls: No such file or directory"}}},
		{"arguments", "set -- a b c\nmain() { echo $# \"$1\"; }", []call{{"x y", "", "1 x y"}}},
		{"another folder", "cd /\n" + evaluate, []call{{"pwd", "", "/"}}},
		{"builtins of its own", "read() { exit 9; }; echo() { exit 9; }; source() { exit 9; }; eval() { exit 9; }; trap() { exit 9; }; declare() { exit 9; }; mapfile() { exit 9; }; exit() { return 9; }\n" +
			"main() { printf %s \"$1\"; }", []call{{"ok", "", "ok"}, {"ok", "", "ok"}}},
		{"descriptors of its own", "exec 3>>file 4>>file 5<index.sh 6>>file 7<index.sh 8>>file 9>>file\n" +
			"main() { for i in 3 4 6 8 9; do echo $i >&$i; done; cat file; head -c 4 <&5; head -c 4 <&7; }", []call{
			{"", "", "3\n4\n6\n8\n9\nexecexec"},
		}},
		{"a log of its own", "exec 2>>file\nmain() { echo hidden >&2; cat file; }", []call{{"", "", "hidden"}, {"", "", "hidden\nhidden"}}},
		{"stdout elsewhere", "exec >/dev/null\n" + evaluate, []call{{"echo ok", "", "ok"}}},
		{"the name of main", "BASH_VERSION=1 BASH=/nowhere\n" + evaluate, []call{{"echo ok", "", "ok"}}},
		{"its own name", evaluate, []call{{`echo "${BASH_SOURCE[0]##*/} $0 ${FUNCNAME[0]} $LINENO"`, "", "index.sh bash main 1"}}},
		{"a process substitution", evaluate, []call{{"cat <(echo ok)", "", "ok"}, {"cat <<<ok", "", "ok"}}},
		{"the last command false", evaluate + "\n[ -n \"$NOPE\" ] && echo more", []call{{"echo ok", "", "ok"}}},
		{"return", evaluate + "\nreturn 3\nexit 4", []call{{"echo ok", "", "ok"}}},
		{"a child of its own", evaluate + "\nsleep 1000 &", []call{{"echo ok", "", "ok"}, {"kill %1 2>/dev/null; kill $!; echo ok", "", "ok"}}},
	}
	shells(t, func(t *testing.T, old bool) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				c, log := script(t, test.text), &hook{}
				c.Stderr = log
				a := start(t, c)
				pid := a.(*adapter).way.(*shell).host.process
				for _, call := range test.calls {
					got, failure := invoke(t, a, call.event)
					switch {
					case call.kind == "" && (failure != nil || got != call.want):
						t.Errorf("%s: got %q, %v, want %q; log %s", call.event, got, failure, call.want, log)
					case call.kind != "" && (failure == nil || !strings.HasPrefix(failure.Type, call.kind) || !strings.Contains(failure.Message, call.want)):
						t.Errorf("%s: got %q, %v, want %s: %s", call.event, got, failure, call.kind, call.want)
					}
				}
				if pid != a.(*adapter).way.(*shell).host.process {
					t.Error("the shell was replaced")
				}
			})
		}
	})
}

// A trace shows the script's commands, and none of ours.
func TestTrace(t *testing.T) {
	c, log := script(t, "set -x\nmain() { echo \"$1\"; }"), &hook{}
	c.Stderr = log
	a := start(t, c)
	succeeds(t, a, "hello", "hello")
	if got, want := log.String(), "+ main hello\n+ echo hello\n"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
}

// What the environment does to a bash must not touch the host.
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
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := script(t, `main() { command printf %s "$1"; [ "$1" != fail ] || exit 3; }`)
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
}

func TestFunctionExits(t *testing.T) {
	a := start(t, script(t, "ulimit -c 0\n"+evaluate))
	for code := range 256 {
		event := fmt.Sprintf("echo out; echo word >&2; exit %d", code)
		if code == 0 {
			succeeds(t, a, event, "out")
			continue
		}
		want := outcome(shellStatus(code), "word")
		fails(t, a, event, want.Type, want.Message)
	}
	for _, signal := range deadly {
		if signal != syscall.SIGKILL && signal != syscall.SIGTERM {
			fails(t, a, fmt.Sprintf("sh -c 'kill -%d $$'", signal), "Function.Signal", fmt.Sprintf("killed by signal %d (", signal))
		}
	}
}

func TestLoadFails(t *testing.T) {
	tests := []struct{ name, text, kind, want string }{
		{"a syntax error", "main() {\n  echo hi\n}\nif then\n", "Runtime.UserCodeSyntaxError", "index.sh: line 4: syntax error near unexpected token"},
		{"no end", "main() {\n  echo hi\n", "Runtime.UserCodeSyntaxError", "index.sh: line 3: syntax error: unexpected end of file"},
		{"a quote", "main() { echo 'hi; }\n", "Runtime.UserCodeSyntaxError", "line 1: unexpected EOF while looking for matching"},
		{"windows line ends", "main() {\r\n  echo hi\r\n}\r\n", "Runtime.UserCodeSyntaxError", "index.sh, which has Windows line ends (CRLF)"},
		{"empty", "", "Runtime.HandlerNotFound", "index.sh does not define the function main (it defines: none)"},
		{"another function", "handler() { :; }; helper() { :; }", "Runtime.HandlerNotFound", "(it defines: handler helper)"},
		{"another function and an odd IFS", "IFS=hn; handler() { :; }; helper() { :; }", "Runtime.HandlerNotFound", "(it defines: handler helper)"},
		{"many functions", "for i in {1000..9999}; do eval \"f$i() { :; }\"; done", "Runtime.HandlerNotFound", "(it defines: f1000 f1001 "},
		{"a variable", "main='echo hi'", "Runtime.HandlerNotFound", "(it defines: none)"},
		{"exit", "echo no luck >&2\nexit 3\nmain() { :; }", "Runtime.UserCodeExit", "index.sh ended the shell while it was loaded: exit status 3: no luck"},
		{"exit 0", "exit\nmain() { :; }", "Runtime.UserCodeExit", "ended the shell while it was loaded: exit status 0"},
		{"set -e", "set -e\nls /nowhere\nmain() { :; }", "Runtime.UserCodeExit", "ended the shell while it was loaded: exit status 2: ls: cannot access '/nowhere'"},
		{"set -u", "set -u\necho $NOPE\nmain() { :; }", "Runtime.UserCodeExit", "index.sh: line 2: NOPE: unbound variable"},
		{"exec", "exec true\nmain() { :; }", "Runtime.UserCodeExit", "ended the shell while it was loaded: exit status 0"},
		{"killed", "kill -9 $$", "Runtime.UserCodeExit", "ended the shell while it was loaded: killed by signal 9 (killed)"},
		{"a loop, the wrong way", "while read -r line; do :; done\nexit 7", "Runtime.UserCodeExit", "exit status 7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, log := script(t, test.text), &hook{}
			c.Stderr = log
			failure := startFailure(t, c)
			wantFailure(t, failure, test.kind, test.want)
			if !strings.Contains(failure.Message, c.Dir+"/index.sh") {
				t.Errorf("message: got %q, want the file's name in it", failure.Message)
			}
			if strings.Join(failure.Stack, "\n")+"\n" != log.String() && log.Len() > 0 {
				t.Errorf("stack: got %q, want the log %q", failure.Stack, log)
			}
		})
	}
}

func TestLoadWithout(t *testing.T) {
	t.Run("bash", func(t *testing.T) {
		c := script(t, evaluate)
		c.Getenv = func(string) string { return "/nowhere" }
		wantFailure(t, startFailure(t, c), "Runtime.NoInterpreter", `/index.sh: `)
		wantFailure(t, startFailure(t, c), "Runtime.NoInterpreter", `"bash" is not in PATH (/nowhere)`)
	})
	t.Run("a file", func(t *testing.T) {
		c := config(t, files{"index.sh/x": ""})
		c.Handler = "index.main"
		wantFailure(t, startFailure(t, c), "Runtime.UserCodeSyntaxError", "index.sh: is a directory")
	})
}

// A script that loads for ever is killed when the start times out.
func TestLoadCancelled(t *testing.T) {
	for _, text := range []string{"echo go >&2; while :; do :; done", "echo go >&2; sleep 1000", "trap '' TERM; echo go >&2; sleep 1000"} {
		ctx, cancel := context.WithCancel(t.Context())
		c := script(t, text)
		c.Stderr = &hook{text: "go", seen: cancel}
		err := c.adapter().Start(ctx)
		wantFailure(t, err, "Runtime.InitError", "index.sh: context canceled")
		if stack := err.(*protocol.Failure).Stack; len(stack) != 1 || stack[0] != "go" {
			t.Errorf("stack: got %q", stack)
		}
		noneLeft(t)
	}
}

// hostOf is the pid of the resident shell.
func hostOf(t *testing.T, a supervisor.Adapter) string {
	t.Helper()
	pid, failure := invoke(t, a, "echo $$")
	if failure != nil {
		t.Fatal(failure)
	}
	return pid
}

// An event that kills even the shell differs from others, and the next has a
// shell of its own.
func TestShellDies(t *testing.T) {
	tests := []struct{ name, code, kind, want string }{
		{"killed", "kill -9 $$; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 9 (killed)"},
		{"its group killed", "kill -9 0; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 9 (killed)"},
		{"hung up", "echo lost line >&2; kill -HUP $$; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 1 (hangup): lost line"},
		{"its group interrupted", "kill -INT 0; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 2 (interrupt)"},
		{"killed, with output", "yes | head -c 100000; kill -9 $$; sleep 1000", "Function.Signal", "signal 9"},
	}
	a := start(t, script(t, evaluate))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := hostOf(t, a)
			fails(t, a, test.code, test.kind, test.want)
			noneLeft(t)
			if after := hostOf(t, a); after == before {
				t.Error("the shell still runs")
			}
			succeeds(t, a, "cat; echo ok", "cat; echo okok")
		})
	}
}

// A script that writes where the host reports exit statuses has not succeeded.
func TestShellForgedStatus(t *testing.T) {
	a := start(t, script(t, evaluate))
	for _, forged := range []string{"", "x", "0 1", "99999999999999999999"} {
		fails(t, a, "echo '"+forged+"' >/proc/$$/fd/103; exit 3", "Function.BadFrame", `the script wrote "`+forged+`" where the resident shell reports exit statuses`)
		noneLeft(t)
		succeeds(t, a, "echo ok", "ok")
	}
}

// A shell that dies between two events costs nothing but the load.
func TestShellDiesBetween(t *testing.T) {
	a := start(t, script(t, evaluate))
	for range 5 {
		pid, _ := strconv.Atoi(hostOf(t, a))
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, "the end of the shell", func() bool { return zombie(pid) })
		succeeds(t, a, "echo ok", "ok")
	}
}

// A script may be broken when a new shell loads it: that fails the event, and
// the next tries again.
func TestLoadFailsLater(t *testing.T) {
	c := script(t, evaluate)
	a := start(t, c)
	fails(t, a, "kill -9 $$; sleep 1000", "Function.Signal", "signal 9")
	put(t, c.Dir+"/index.sh", []byte("main() {"), 0o644)
	for range 2 {
		fails(t, a, "echo ok", "Runtime.UserCodeSyntaxError", "syntax error: unexpected end of file")
	}
	put(t, c.Dir+"/index.sh", []byte(evaluate), 0o644)
	succeeds(t, a, "echo ok", "ok")
}

func TestFunctionTimeout(t *testing.T) {
	tests := []struct {
		name, code string
		grace      time.Duration
		survives   bool
	}{
		{"a child", "echo go >&2; sleep 1000", patience, true},
		{"busy", "echo go >&2; while :; do :; done", patience, true},
		{"another program", "echo go >&2; exec sleep 1000", patience, true},
		{"a child in the background", "sleep 1000 & echo go >&2; wait", patience, true},
		{"an answer on the way", "echo part; echo go >&2; sleep 1000", patience, true},
		{"a last word", "trap 'echo bye; exit 0' TERM; echo go >&2; while :; do sleep 0.01; done", patience, true},
		{"stopped", "echo go >&2; kill -STOP $BASHPID", patience, true},
		{"all stopped", "echo go >&2; kill -STOP 0", patience, true},
		{"deaf", "trap '' TERM; echo go >&2; while :; do :; done", 50 * time.Millisecond, false},
		{"deaf children", "trap '' TERM; sleep 1000 & sleep 1000 & echo go >&2; wait", 50 * time.Millisecond, false},
	}
	c, log := script(t, evaluate), &hook{}
	c.Stderr = log
	a := start(t, c)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := hostOf(t, a)
			began := time.Now()
			failure := timeUp(t, a, test.code, log, test.grace)
			if took := time.Since(began); took > patience/2 {
				t.Errorf("took %v", took)
			}
			if !strings.Contains(strings.Join(failure.Stack, "\n"), "go") {
				t.Errorf("stack: got %q", failure.Stack)
			}
			pid, _ := strconv.Atoi(before)
			endOrphans(pid)
			if after := hostOf(t, a); (after == before) != test.survives {
				t.Errorf("the shell was %s, now it is %s", before, after)
			}
			succeeds(t, a, "echo ok", "ok")
		})
	}
}

// A stop cuts an event short, too, and says so.
func TestFunctionStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	c := script(t, evaluate)
	c.Stderr = &hook{text: "go", seen: func() { cancel(supervisor.ErrStopping) }}
	a := start(t, c)
	_, failure := invokeFor(ctx, t, a, newEvent("echo go >&2; sleep 1000"))
	wantFailure(t, failure, "Function.Stopped", "ended before it was done: the runtime is stopping")
}

// What an event has started may write until it is killed, after the answer: no
// byte of it may come with another's result.
func TestNoLeftoversInResult(t *testing.T) {
	c, log := script(t, evaluate), &hook{}
	c.Stderr, c.FailOnStderr = log, true
	a := start(t, c)
	pid, _ := strconv.Atoi(hostOf(t, a))
	for range 10 {
		// The first yes fills the result's pipe, the second that of the log.
		fifo := fmt.Sprintf("%s/%d", c.Dir, time.Now().UnixNano())
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		succeeds(t, a, fmt.Sprintf(`(cat %s; yes secret | head -c 60000; echo secret >&2; : >%[1]s.done) & echo ok`, fifo), "ok")
		if err := os.WriteFile(fifo, []byte("now"), 0); err != nil {
			t.Fatal(err)
		}
		await(t, "the child", func() bool {
			_, err := os.Stat(fifo + ".done")
			return err == nil
		})
		endOrphans(pid)
		succeeds(t, a, "echo ok", "ok")
	}
}

func TestFunctionBackground(t *testing.T) {
	a := start(t, script(t, evaluate))
	pid, _ := strconv.Atoi(hostOf(t, a))
	began := time.Now()
	for range 10 {
		succeeds(t, a, "sleep 1000 & (sleep 1000 >&2 &) ; echo ok", "ok")
		endOrphans(pid)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %v", took)
	}
}

// A program that the function calls has three descriptors and the usual
// signals.
func TestFunctionCleanChild(t *testing.T) {
	shells(t, func(t *testing.T, old bool) {
		a := start(t, script(t, evaluate))
		// ls has the folder itself on 3.
		succeeds(t, a, "ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status", "0\n1\n2\n3\n"+defaultSignals(t))
		succeeds(t, a, "env | grep -c bootstrap_; echo", "0")
	})
	c := script(t, "ls /proc/self/fd; readlink /proc/self/fd/0; echo $#\n"+evaluate)
	log := &hook{}
	c.Stderr = log
	start(t, c)
	if got := log.String(); got != "0\n1\n2\n3\n/dev/null\n0\n" {
		t.Errorf("at the load: got %q", got)
	}
}

// Credentials are in one event alone.
func TestFunctionCredentials(t *testing.T) {
	c, log := script(t, "set -x\n"+`main() { env | grep -c secret; }`), &hook{}
	c.Platform, c.PassCredentials, c.Stderr = protocol.FunctionGraph, true, log
	a := start(t, c)
	ev := newEvent("")
	ev.Header = textproto.MIMEHeader{}
	for name, value := range credentials {
		ev.Header.Set(name, value)
	}
	if got, failure := invokeEvent(t, a, ev); failure != nil || got != "6" {
		t.Errorf("got %q, %v", got, failure)
	}
	prepare(a)
	h := a.(*adapter).way.(*shell).host
	for _, s := range []*slate{h.event, h.preamble} {
		if info, err := s.file.Stat(); err != nil || info.Size() > 0 {
			t.Errorf("left in a file: %d bytes, %v", info.Size(), err)
		}
	}
	fails(t, a, "", "Function.ExitError", "exit status 1")
	if strings.Contains(log.String(), "secret-") {
		t.Errorf("log: got %s", log)
	}
}

func TestFunctionNothingLeft(t *testing.T) {
	a := start(t, script(t, evaluate))
	const theirs = "ls /proc/$$/fd"
	shell, _ := invoke(t, a, theirs)
	before := len(leaktest.OpenFiles(t))
	for i := range 200 {
		_, _ = invoke(t, a, fmt.Sprintf("cat; echo error >&2; exit %d", i%2)) // either is fine
	}
	if after := len(leaktest.OpenFiles(t)); after != before {
		t.Errorf("descriptors: got %d, want %d", after, before)
	}
	succeeds(t, a, theirs, shell)
	if left := names(t, os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A temp folder that is full fails the event, not the function.
func TestFunctionNoSpace(t *testing.T) {
	a := start(t, script(t, evaluate))
	succeeds(t, a, "echo ok", "ok")
	h := a.(*adapter).way.(*shell).host
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	file := h.event.file
	h.event.file = full
	fails(t, a, "echo ok", "Runtime.TempError", "is full: remove what events leave there")
	h.event.file = file
	succeeds(t, a, "echo ok", "ok")
}

// An answer to no event, as the subshell that waits for one was killed, is not
// taken for that of the next.
func TestWaitingSubshellKilled(t *testing.T) {
	shells(t, func(t *testing.T, old bool) {
		a := start(t, script(t, evaluate))
		for range 5 {
			process := a.(*adapter).way.(*shell).host.process
			waiting := func() (pid int) {
				for pid == 0 {
					for _, pid = range process.Children() {
					}
				}
				return pid
			}
			first := waiting()
			if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for waiting() == first { // the host answers before it forks the next
			}
			succeeds(t, a, "echo ok", "ok")
			succeeds(t, a, "echo again", "again")
		}
	})
}

// What a script says as it is loaded again is not the event's.
func TestStderrOfLoadingAgain(t *testing.T) {
	c := script(t, "echo loading >&2\n"+evaluate)
	c.FailOnStderr = true
	a := start(t, c)
	succeeds(t, a, "echo ok", "ok")
	fails(t, a, "kill -9 $$", "Function.Signal", "signal 9")
	succeeds(t, a, "echo ok", "ok")
}
