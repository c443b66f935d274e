package adapters

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// state returns shell code that prints everything that an event could change in a
// shell.
func (d dialect) state() string {
	return `echo "$$ $PWD $X $# $- $PATH"; umask; ulimit -n; ls /proc/self/fd; set +o
	` + pick(d,
		`shopt -p; trap -p; alias -p; declare -f; declare -x; printf %q "$IFS"`,
		`trap; alias; export -p; command -v helper main; printf '<%s>' "$IFS"`)
}

// eventTimes are the lines of a state that differ in each event.
var eventTimes = regexp.MustCompile(`(?m)^.*\bFUNCTION_\w+_MS=.*$`)

// A deed is an event that tries to change the shell, and its outcome.
type deed struct{ name, code, kind, want string }

var deeds = []deed{
	{"nothing", ":", "", ""},
	{"exit", "echo out; exit 3", "Function.ExitError", "exit status 3"},
	{"exit 0", "echo out; exit; echo more", "", "out"},
	{"return", "return 5", "Function.ExitError", "exit status 5"},
	{"set -e", "set -e; false; echo more", "Function.ExitError", "exit status 1"},
	{"cd", "cd /; pwd", "", "/"},
	{"a removed folder", `mkdir x; cd x; rmdir "$PWD"`, "", ""},
	{"variables", "X=changed; export X; readonly X; PATH=; FUNCTION_REQUEST_ID=x", "", ""},
	{"a function", "main() { echo changed; }; helper() { :; }", "", ""},
	{"no function", "unset -f main helper", "", ""},
	{"IFS", "IFS=:x", "", ""},
	{"arguments", "set -- a b c", "", ""},
	{"a limit", "umask 077; ulimit -n 50", "", ""},
	{"an alias", "alias main=false read=false", "", ""},
	{"builtins", "read() { exit 9; }; echo() { exit 9; }", "", ""},
	{"a trap at its end", "trap 'echo bye' EXIT", "", "bye"},
	{"a trap at its end, failing", "trap 'exit 4' EXIT", "Function.ExitError", "exit status 4"},
	{"an ignored TERM", "trap '' TERM", "", ""},
	{"stdin closed", "exec <&-", "", ""},
	{"stdin read", "cat >/dev/null", "", ""},
	{"stdout closed", "exec >&-", "", ""},
	{"stdout elsewhere", "exec >/dev/null; echo more", "", ""},
	{"stdout in a file", "exec >file; echo more; cat file >&2; rm file", "", ""},
	{"stderr elsewhere", "exec 2>/dev/null; echo more >&2", "", ""},
	{"both in one", "exec 2>&1; echo more >&2", "", "more"},
	{"more descriptors", "exec 3>&1 4</dev/null 5>&2 6>&1 7<&0 8<&0 9>&1; echo more >&9", "", "more"},
	{"another program", "exec echo more", "", "more"},
	{"another that fails", "exec false", "Function.ExitError", "exit status 1"},
	{"no other program", "exec no-such-program", "Function.NotFound", "no-such-program: not found"},
	{"killed", "kill -9 " + itself, "Function.Signal", "killed by signal 9"},
	{"terminated", "kill -TERM " + itself, "Function.Signal", "killed by signal 15"},
	{"its group terminated", "kill -TERM 0; sleep 1000", "Function.Signal", "killed by signal 15"},
	{"SIGTERM for the shell", "kill -TERM $$; echo alive", "", "alive"},
	{"wait", "sleep 0 & wait; echo $?", "", "0"},
	{"a background child", "sleep 1000 & echo more", "", "more"},
	{"a background child that ignores signals", "trap '' TERM HUP; (while :; do sleep 1; done) & echo more", "", "more"},
	{"a file", "cat >file; rm file", "", ""},
}

var bashDeeds = []deed{
	{"set -u", `set -u; echo "$NOPE"`, "Function.", "NOPE: unbound variable"},
	{"a syntax error", `if (`, "Function.ExitError", "syntax error"},
	{"no command", "no-such-command", "Function.NotFound", "no-such-command: command not found"},
	{"global variables", "X=changed; declare -g X=changed; export X; readonly X; PATH=; FUNCTION_REQUEST_ID=x", "", ""},
	{"the host's variables", "unset ${!__bootstrap@}; for v in ours theirs file function flags status; do declare -g __bootstrap_$v=x; done", "", ""},
	{"options", "set -fxvaC -o pipefail -o posix; shopt -s nullglob failglob extglob dotglob expand_aliases lastpipe", "", ""},
	{"an alias that expands", "shopt -s expand_aliases; alias main=false read=false", "", ""},
	{"disabled builtins", "read() { exit 9; }; builtin() { exit 9; }; enable -n echo; enable -n read", "", ""},
	{"traps", "trap 'echo no' DEBUG ERR RETURN USR1 CHLD INT; trap '' TERM", "", "no"},
	{"high descriptors", "exec 3>&1 4</dev/null 5>&2 103>&1 104<&0; echo more >&3", "", "more"},
	{"BASHPID killed", "kill -9 $BASHPID", "Function.Signal", "killed by signal 9"},
	{"BASHPID terminated", "kill -TERM $BASHPID", "Function.Signal", "killed by signal 15"},
	{"a coprocess", "coproc cat; echo more", "", "more"},
	{"a disowned child that ignores signals", "trap '' TERM HUP; (while :; do sleep 1; done) & disown; echo more", "", "more"},
}

var shDeeds = []deed{
	{"set -u", `set -u; echo "$NOPE"`, "Function.ExitError", "NOPE: parameter not set"},
	{"a syntax error", `if (`, "Function.ExitError", "yntax error"},
	{"no command", "no-such-command", "Function.NotFound", "no-such-command: not found"},
	{"the host's variables", "for v in event request theirs file function result; do eval __bootstrap_$v=x; readonly __bootstrap_$v; done", "", ""},
	{"options", "set -fvaC", "", ""},
}

// Nothing that an event does reaches the next.
func TestIsolation(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, "X=loaded; helper() { :; }; "+evaluate))
		state := func(t *testing.T) string {
			t.Helper()
			text, failure := invoke(t, a, d.state())
			if failure != nil {
				t.Fatal(failure)
			}
			return eventTimes.ReplaceAllString(text, "")
		}
		before := state(t)
		pid, _ := strconv.Atoi(strings.Fields(before)[0])
		for _, deed := range rows(d, deeds, bashDeeds, shDeeds) {
			t.Run(deed.name, func(t *testing.T) {
				got, failure := invoke(t, a, deed.code)
				if deed.name == "traps" && failure == nil {
					got = deed.want // how often DEBUG runs is not up to the host
				}
				if err := served(got, failure, deed.kind, deed.want); err != nil {
					t.Error(err)
				}
				endOrphans(pid)
				if after := state(t); after != before {
					t.Errorf("before:\n%s\nafter:\n%s", before, after)
				}
			})
		}
	})
}

// An exchange is an event for a script that changes the shell, and its outcome.
type exchange struct{ event, kind, want string }

type optionRow struct {
	name, text string
	calls      []exchange
}

var optionRows = []optionRow{
	{"set -e, undone", "set -e\n: loading\nset +e\n" + evaluate, []exchange{{"false; echo more", "", "more"}}},
	{"an EXIT trap", "trap 'echo bye' EXIT\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"exit 3", "Function.ExitError", "3"}}},
	{"a USR1 trap", "trap 'echo usr1' USR1\n" + evaluate, []exchange{{"kill -USR1 $$; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"an ignored TERM", "trap '' TERM\n" + evaluate, []exchange{{"kill -TERM " + itself + "; echo more", "Function.Signal", "signal 15"}, {"echo ok", "", "ok"}}},
	{"set -a", "set -a\n" + evaluate, []exchange{{"x=1; env | grep -c ^__bootstrap_event", "Function.ExitError", "1"}, {"x=y; sh -c 'echo $x'", "", "y"}}},
	{"set -f", "set -f\n" + evaluate, []exchange{{"echo *", "", "*"}, {"set +f; echo *", "", "index.sh"}}},
	{"an IFS of letters", "IFS='x \n/:ready'\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"exit 12", "Function.ExitError", "exit status 12"}}},
	{"a readonly IFS", "readonly IFS=x\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"arguments", "set -- a b c\nmain() { echo $# \"$1\"; }", []exchange{{"x y", "", "1 x y"}}},
	{"another folder", "cd /\n" + evaluate, []exchange{{"pwd", "", "/"}}},
	{"builtins of its own", "read() { exit 9; }; echo() { exit 9; }; printf() { exit 9; }; cat() { exit 9; }\nmain() { command printf %s \"$1\"; }", []exchange{{"ok", "", "ok"}, {"ok", "", "ok"}}},
	{"descriptors of its own", "exec 3>>file 4>>file\nmain() { for i in 3 4; do echo $i >&$i; done; cat file; }", []exchange{{"", "", "3\n4"}}},
	{"stdout elsewhere", "exec >/dev/null\n" + evaluate, []exchange{{"echo ok", "", "ok"}}},
	{"a log of its own", "exec 2>>file\nmain() { echo hidden >&2; cat file; }", []exchange{{"", "", "hidden"}, {"", "", "hidden\nhidden"}}},
	{"the last command false", evaluate + "\n[ -n \"$NOPE\" ] && echo more", []exchange{{"echo ok", "", "ok"}}},
	{"return", evaluate + "\nreturn 3\nexit 4", []exchange{{"echo ok", "", "ok"}}},
	{"a child of its own", evaluate + "\nsleep 1000 &", []exchange{{"echo ok", "", "ok"}, {"kill %1 2>/dev/null; kill $!; echo ok", "", "ok"}}},
}

var bashOptionRows = []optionRow{
	{"set -euo pipefail", "set -euo pipefail\n" + evaluate, []exchange{
		{"echo ok", "", "ok"},
		{"false; echo more", "Function.ExitError", "exit status 1"},
		{"false | true; echo more", "Function.ExitError", "exit status 1"},
		{`echo "$NOPE"`, "Function.", "unbound variable"},
		{"x=$(exit 7); echo more", "Function.ExitError", "exit status 7"},
		{"if false; then :; fi; false || echo ok", "", "ok"},
		{"sh -c 'exit 9'; echo more", "Function.ExitError", "exit status 9"},
		{"echo ok", "", "ok"},
	}},
	{"an ERR trap", "set -Eeuo pipefail; trap 'echo \"error at $BASH_COMMAND\" >&2' ERR\n" + evaluate, []exchange{
		{"echo ok", "", "ok"},
		{"ls /nowhere 2>/dev/null; echo more", "Function.ExitError", "exit status 2: error at ls /nowhere"},
		{"echo ok", "", "ok"},
	}},
	{"an ERR trap that exits", "trap 'echo out of luck >&2; exit 44' ERR\n" + evaluate, []exchange{
		{"return 3", "Function.ExitError", "exit status 44: out of luck"},
		{"echo $$ >&2; exit 5", "Function.ExitError", "exit status 5"},
		{"echo ok", "", "ok"},
	}},
	{"a DEBUG trap", "set -T; trap 'echo debug' DEBUG\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"a RETURN trap", "set -T; trap 'echo return' RETURN\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"a CHLD trap", "trap 'echo child' CHLD\n" + evaluate, []exchange{{"/bin/true; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"an ignored TERM, by BASHPID", "trap '' TERM\n" + evaluate, []exchange{{"kill -TERM $BASHPID; echo more", "Function.Signal", "signal 15"}, {"echo ok", "", "ok"}}},
	{"options off", "set +Bh; shopt -u cmdhist extquote\n" + evaluate, []exchange{{"echo {a,b} $-; shopt extquote", "Function.ExitError", ""}, {"echo {a,b} $-; shopt extquote || :", "", "{a,b} c\nextquote       \toff"}}},
	{"set -m", "set -m\n" + evaluate, []exchange{{"true & wait; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"set -C", "set -C\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"echo x >index.sh", "Function.ExitError", "cannot overwrite"}}},
	{"posix", "set -o posix\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"kill -TERM 0", "Function.Signal", "signal 15"}, {"echo ok", "", "ok"}}},
	{"globs", "shopt -s nullglob extglob dotglob globstar nocasematch\nmain() { eval \"$1\"; case x in @(x|y)) echo ok;; esac; }", []exchange{
		{"echo *.none", "", "\nok"},
		{"[[ A == a ]] && echo yes", "", "yes\nok"},
	}},
	{"aliases", "shopt -s expand_aliases; alias echo=false read=false eval=false source=false trap=false\nmain() { command echo ok; }", []exchange{{"", "", "ok"}, {"", "", "ok"}}},
	{"inherit_errexit", "set -e; shopt -s inherit_errexit\n" + evaluate, []exchange{{"x=$(false; echo more)", "Function.ExitError", "1"}, {"echo ok", "", "ok"}}},
	{"an odd IFS", "IFS=$'x \\n/:'\n" + evaluate, []exchange{{"printf %q \"$IFS\"", "", `$'x \n/:'`}}},
	{"a readonly IFS of lines", "readonly IFS=$'\\n\\t'\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
	{"an empty PATH", "PATH=\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"ls", "Function.NotFound", "ls: No such file or directory"}}},
	{"more builtins of its own", "read() { exit 9; }; echo() { exit 9; }; source() { exit 9; }; eval() { exit 9; }; trap() { exit 9; }; declare() { exit 9; }; mapfile() { exit 9; }; exit() { return 9; }\n" +
		"main() { printf %s \"$1\"; }", []exchange{{"ok", "", "ok"}, {"ok", "", "ok"}}},
	{"more descriptors of its own", "exec 3>>file 4>>file 5<index.sh 6>>file 7<index.sh 8>>file 9>>file\n" +
		"main() { for i in 3 4 6 8 9; do echo $i >&$i; done; cat file; head -c 4 <&5; head -c 4 <&7; }", []exchange{
		{"", "", "3\n4\n6\n8\n9\nexecexec"},
	}},
	{"the variables BASH and BASH_VERSION", "BASH_VERSION=1 BASH=/nowhere\n" + evaluate, []exchange{{"echo ok", "", "ok"}}},
	{"its own name", evaluate, []exchange{{`echo "${BASH_SOURCE[0]##*/} $0 ${FUNCNAME[0]} $LINENO"`, "", "index.sh bash main 1"}}},
	{"a process substitution", evaluate, []exchange{{"cat <(echo ok)", "", "ok"}, {"cat <<<ok", "", "ok"}}},
}

var shOptionRows = []optionRow{
	{"set -eu", "set -eu\n" + evaluate, []exchange{
		{"echo ok", "", "ok"},
		{"false; echo more", "Function.ExitError", "exit status 1"},
		{`echo "$NOPE"`, "Function.ExitError", "parameter not set"},
		{"x=$(exit 7); echo more", "Function.ExitError", "exit status 7"},
		{"if false; then :; fi; false || echo ok", "", "ok"},
		{"echo ok", "", "ok"},
	}},
	{"set -C", "set -C\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"echo x >index.sh", "Function.ExitError", "create index.sh: "}}},
	{"aliases", "alias echo=false read=false eval=false trap=false printf=false set=false command=false\nmain() { \\echo ok; }", []exchange{{"", "", "ok"}, {"", "", "ok"}}},
	{"an empty PATH", "PATH=\n" + evaluate, []exchange{{"echo ok", "", "ok"}, {"ls", "Function.NotFound", "ls: not found"}}},
	{"its own name", evaluate, []exchange{{`echo "$0"`, "", "sh"}}},
}

// Options that a script sets apply to each event, as they do in an ordinary script,
// but not to the host.
func TestScriptOptions(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		for _, test := range rows(d, optionRows, bashOptionRows, shOptionRows) {
			t.Run(test.name, func(t *testing.T) {
				c, log := d.script(t, test.text), &hook{}
				c.Stderr = log
				a := start(t, c)
				process := a.(*adapter).way.(*shell).host.process
				for _, call := range test.calls {
					got, failure := invoke(t, a, call.event)
					if err := served(got, failure, call.kind, call.want); err != nil {
						t.Errorf("%s: %v; log %s", call.event, err, log)
					}
				}
				if a.(*adapter).way.(*shell).host.process != process {
					t.Error("the shell was replaced")
				}
			})
		}
	})
}
