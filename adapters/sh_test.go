package adapters

import (
	"fmt"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/leaktest"
	"bootstrap/protocol"
)

// shScript is the configuration of a function main in a script, where there is
// no bash. Programs have the usual PATH.
func shScript(t *testing.T, text string) setup {
	t.Helper()
	c := script(t, text)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	bin := t.TempDir()
	if err := os.Symlink(sh, filepath.Join(bin, "sh")); err != nil {
		t.Fatal(err)
	}
	c.Getenv = func(name string) string {
		if name == "PATH" {
			return bin
		}
		return os.Getenv(name)
	}
	return c
}

func TestShBytes(t *testing.T) {
	for way, text := range map[string]string{
		"argument": `main() { printf %s "$1"; }`,
		"stdin":    `main() { cat; }`,
		"both":     `main() { printf %s "$1" | cmp - /dev/fd/3 3<&0 || return; printf %s "$1"; }`,
		"fd 3":     `main() { echo log; printf %s "$1" >&3; }`,
		"stdin, 3": `main() { echo log; cat >&3; }`,
	} {
		c := shScript(t, text)
		c.ResultFD3 = strings.HasSuffix(way, "3")
		c.FailOnStderr = !c.ResultFD3 // nothing of ours is on it
		a := start(t, c)
		for name, text := range texts {
			t.Run(way+" "+name, func(t *testing.T) { succeeds(t, a, text, strings.TrimRight(text, "\n")) })
		}
		if way == "stdin" {
			for _, text := range notText {
				succeeds(t, a, text, strings.TrimRight(text, "\n"))
			}
			body := random(6<<20) + "."
			succeeds(t, a, body, body)
		}
	}
	a := start(t, shScript(t, `main() { printf %s "$1"; }`))
	succeeds(t, a, "one\x00two\x00", "onetwo")
	succeeds(t, a, strings.ReplaceAll(allBytes(), "\x00", "")+".", strings.ReplaceAll(allBytes(), "\x00", "")+".")
	a = start(t, shScript(t, `main() { echo ${#1}; wc -c; }`))
	for _, size := range []int{0, 1, 65535, 65536, 65537, 131071, 131072, 1 << 20, 6 << 20} {
		succeeds(t, a, strings.Repeat("x", size), fmt.Sprintf("%d\n%d", size, size))
	}
	succeeds(t, a, strings.Repeat("'\\\n", 100000), "300000\n300000")
}

func TestShLoadedOnce(t *testing.T) {
	c, log := shScript(t, `echo loading; echo "and warning" >&2; n=$((n + 1)); main() { echo "$n $$"; }`), &hook{}
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

// shState is all of a shell that an event could have changed.
const shState = `
	echo "$$ $PWD $X $# $- $(umask) $(ulimit -n) $PATH"
	trap; alias; export -p | grep -v 'FUNCTION_.*_MS='; set +o
	ls /proc/self/fd; command -v helper main
	printf %s "$IFS" | od -c`

// Nothing that an event does reaches the next.
func TestShIsolation(t *testing.T) {
	deeds := []struct{ name, code, kind, want string }{
		{"nothing", ":", "", ""},
		{"exit", "echo out; exit 3", "Function.ExitError", "exit status 3"},
		{"exit 0", "echo out; exit; echo more", "", "out"},
		{"return", "return 5", "Function.ExitError", "exit status 5"},
		{"set -e", "set -e; false; echo more", "Function.ExitError", "exit status 1"},
		{"set -u", `set -u; echo "$NOPE"`, "Function.ExitError", "NOPE: parameter not set"},
		{"a syntax error", `if (`, "Function.ExitError", "yntax error"},
		{"no command", "no-such-command", "Function.NotFound", "no-such-command: not found"},
		{"cd", "cd /; pwd", "", "/"},
		{"a removed folder", `mkdir x; cd x; rmdir "$PWD"`, "", ""},
		{"variables", "X=changed; export X; readonly X; PATH=; FUNCTION_REQUEST_ID=x", "", ""},
		{"a function", "main() { echo changed; }; helper() { :; }", "", ""},
		{"no function", "unset -f main helper", "", ""},
		{"the host's variables", "for v in event bell theirs file function result; do eval __bootstrap_$v=x; readonly __bootstrap_$v; done", "", ""},
		{"options", "set -fvaC", "", ""},
		{"IFS", "IFS=:x", "", ""},
		{"arguments", "set -- a b c", "", ""},
		{"a limit", "umask 077; ulimit -n 50", "", ""},
		{"an alias", "alias main=false read=false", "", ""},
		{"builtins", "read() { exit 9; }; echo() { exit 9; }", "", ""},
		{"a trap at its end", "trap 'echo bye' EXIT", "", "bye"},
		{"a trap at its end, failing", "trap 'exit 4' EXIT", "Function.ExitError", "exit status 4"},
		{"a deaf one", "trap '' TERM", "", ""},
		{"stdin closed", "exec <&-", "", ""},
		{"stdin read", "cat >/dev/null", "", ""},
		{"stdout closed", "exec >&-", "", ""},
		{"stdout elsewhere", "exec >/dev/null; echo more", "", ""},
		{"stdout in a file", "exec >file; echo more; cat file >&2; rm file", "", ""},
		{"both in one", "exec 2>&1; echo more >&2", "", "more"},
		{"more descriptors", "exec 3>&1 4</dev/null 5>&2 6>&1 7<&0 8<&0 9>&1; echo more >&9", "", "more"},
		{"another program", "exec echo more", "", "more"},
		{"another that fails", "exec false", "Function.ExitError", "exit status 1"},
		{"no other program", "exec no-such-program", "Function.NotFound", "no-such-program: not found"},
		{"killed", "kill -9 $(sh -c 'echo $PPID')", "Function.Signal", "killed by signal 9"},
		{"its group ended", "kill -TERM 0; sleep 1000", "Function.Signal", "killed by signal 15"},
		{"the shell asked to end", "kill -TERM $$; echo alive", "", "alive"},
		{"a child", "sleep 0 & wait; echo $?", "", "0"},
		{"a background child", "sleep 1000 & echo more", "", "more"},
		{"a background child that is deaf", "trap '' TERM HUP; (while :; do sleep 1; done) & echo more", "", "more"},
		{"a file", "cat >file; rm file", "", ""},
	}
	a := start(t, shScript(t, "X=loaded; helper() { :; }; "+evaluate))
	before, failure := invoke(t, a, shState)
	if failure != nil {
		t.Fatal(failure)
	}
	pid, _ := strconv.Atoi(strings.Fields(before)[0])
	for _, deed := range deeds {
		t.Run(deed.name, func(t *testing.T) {
			got, failure := invoke(t, a, deed.code)
			switch {
			case deed.kind == "" && (failure != nil || got != deed.want):
				t.Errorf("got %q, %v, want %q", got, failure, deed.want)
			case deed.kind != "" && (failure == nil || failure.Type != deed.kind || !strings.Contains(failure.Message, deed.want)):
				t.Errorf("got %q, %v, want %s: %s", got, failure, deed.kind, deed.want)
			}
			endOrphans(pid)
			if after, failure := invoke(t, a, shState); after != before {
				t.Errorf("before:\n%s\nafter:\n%s\n%v", before, after, failure)
			}
		})
	}
}

// What a script sets is in force in each event, and not in what serves it.
func TestShOptions(t *testing.T) {
	type call struct{ event, kind, want string }
	tests := []struct {
		name, text string
		calls      []call
	}{
		{"set -eu", "set -eu\n" + evaluate, []call{
			{"echo ok", "", "ok"},
			{"false; echo more", "Function.ExitError", "exit status 1"},
			{`echo "$NOPE"`, "Function.ExitError", "parameter not set"},
			{"x=$(exit 7); echo more", "Function.ExitError", "exit status 7"},
			{"if false; then :; fi; false || echo ok", "", "ok"},
			{"echo ok", "", "ok"},
		}},
		{"set -e, undone", "set -e\n: loading\nset +e\n" + evaluate, []call{{"false; echo more", "", "more"}}},
		{"an EXIT trap", "trap 'echo bye' EXIT\n" + evaluate, []call{{"echo ok", "", "ok"}, {"exit 3", "Function.ExitError", "3"}}},
		{"a USR1 trap", "trap 'echo usr1' USR1\n" + evaluate, []call{{"kill -USR1 $$; echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"an ignored TERM", "trap '' TERM\n" + evaluate, []call{{"kill -TERM $(sh -c 'echo $PPID'); echo more", "Function.Signal", "signal 15"}, {"echo ok", "", "ok"}}},
		{"set -a", "set -a\n" + evaluate, []call{{"env | grep -c ^__bootstrap_event", "Function.ExitError", "1"}, {"x=y; sh -c 'echo $x'", "", "y"}}},
		{"set -f", "set -f\n" + evaluate, []call{{"echo *", "", "*"}, {"set +f; echo *", "", "index.sh"}}},
		{"set -C", "set -C\n" + evaluate, []call{{"echo ok", "", "ok"}, {"echo x >index.sh", "Function.ExitError", "create index.sh: "}}},
		{"aliases", "alias echo=false read=false eval=false trap=false printf=false set=false command=false\nmain() { \\echo ok; }", []call{{"", "", "ok"}, {"", "", "ok"}}},
		{"an odd IFS", "IFS='x \n/:ready'\n" + evaluate, []call{{"echo ok", "", "ok"}, {"exit 12", "Function.ExitError", "exit status 12"}}},
		{"a readonly IFS", "readonly IFS=x\n" + evaluate, []call{{"echo ok", "", "ok"}, {"echo ok", "", "ok"}}},
		{"an empty PATH", "PATH=\n" + evaluate, []call{{"echo ok", "", "ok"}, {"ls", "Function.NotFound", "ls: not found"}}},
		{"arguments", "set -- a b c\nmain() { echo $# \"$1\"; }", []call{{"x y", "", "1 x y"}}},
		{"another folder", "cd /\n" + evaluate, []call{{"pwd", "", "/"}}},
		{"builtins of its own", "read() { exit 9; }; echo() { exit 9; }; printf() { exit 9; }; cat() { exit 9; }\nmain() { command printf %s \"$1\"; }", []call{{"ok", "", "ok"}, {"ok", "", "ok"}}},
		{"descriptors of its own", "exec 3>>file 4>>file\nmain() { for i in 3 4; do echo $i >&$i; done; cat file; }", []call{{"", "", "3\n4"}}},
		{"stdout elsewhere", "exec >/dev/null\n" + evaluate, []call{{"echo ok", "", "ok"}}},
		{"a log of its own", "exec 2>>file\nmain() { echo hidden >&2; cat file; }", []call{{"", "", "hidden"}, {"", "", "hidden\nhidden"}}},
		{"the last command false", evaluate + "\n[ -n \"$NOPE\" ] && echo more", []call{{"echo ok", "", "ok"}}},
		{"return", evaluate + "\nreturn 3\nexit 4", []call{{"echo ok", "", "ok"}}},
		{"a child of its own", evaluate + "\nsleep 1000 &", []call{{"echo ok", "", "ok"}, {"kill $!; echo ok", "", "ok"}}},
		{"its own name", evaluate, []call{{`echo "$0"`, "", "sh"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, log := shScript(t, test.text), &hook{}
			c.Stderr = log
			a := start(t, c)
			process := a.(*adapter).way.(*shell).host.process
			for _, call := range test.calls {
				got, failure := invoke(t, a, call.event)
				switch {
				case call.kind == "" && (failure != nil || got != call.want):
					t.Errorf("%s: got %q, %v, want %q; log %s", call.event, got, failure, call.want, log)
				case call.kind != "" && (failure == nil || failure.Type != call.kind || !strings.Contains(failure.Message, call.want)):
					t.Errorf("%s: got %q, %v, want %s: %s", call.event, got, failure, call.kind, call.want)
				}
			}
			if a.(*adapter).way.(*shell).host.process != process {
				t.Error("the shell was replaced")
			}
		})
	}
}

// A trace shows the script's commands, and none of ours.
func TestShTrace(t *testing.T) {
	c, log := shScript(t, "set -x\nmain() { echo \"$1\"; }"), &hook{}
	c.Stderr = log
	a := start(t, c)
	succeeds(t, a, "hello", "hello")
	if got, want := log.String(), "+ main hello\n+ echo hello\n"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
}

func TestShExits(t *testing.T) {
	a := start(t, shScript(t, "ulimit -c 0\n"+evaluate))
	for code := range 256 {
		event := fmt.Sprintf("echo out; echo word >&2; exit %d", code)
		if code == 0 {
			succeeds(t, a, event, "out")
			continue
		}
		want := outcome(shellStatus(code), "word")
		fails(t, a, event, want.Type, want.Message)
	}
}

func TestShLoadFails(t *testing.T) {
	tests := []struct{ name, text, kind, want string }{
		{"a syntax error", "main() {\n  echo hi\n}\nif then\n", "Runtime.", "yntax error: "},
		{"no end", "main() {\n  echo hi\n", "Runtime.", "yntax error: "},
		{"bash's own", "main() {\n  x=(1 2)\n}\n", "Runtime.", "yntax error: "},
		{"empty", "", "Runtime.HandlerNotFound", "index.sh does not define the function main"},
		{"another function", "handler() { :; }", "Runtime.HandlerNotFound", "index.sh does not define the function main"},
		{"a variable", "main='echo hi'", "Runtime.HandlerNotFound", "does not define"},
		{"an alias", "alias main='echo hi'", "Runtime.HandlerNotFound", "does not define"},
		{"exit", "echo no luck >&2\nexit 3\nmain() { :; }", "Runtime.UserCodeExit", "index.sh ended the shell while it was loaded: exit status 3: no luck"},
		{"exit 0", "exit\nmain() { :; }", "Runtime.UserCodeExit", "ended the shell while it was loaded: exit status 0"},
		{"set -e", "set -e\nls /nowhere\nmain() { :; }", "Runtime.UserCodeExit", "exit status 2: ls: cannot access '/nowhere'"},
		{"set -u", "set -u\necho $NOPE\nmain() { :; }", "Runtime.UserCodeExit", "NOPE: parameter not set"},
		{"exec", "exec true\nmain() { :; }", "Runtime.UserCodeExit", "ended the shell while it was loaded: exit status 0"},
		{"killed", "kill -9 $$", "Runtime.UserCodeExit", "killed by signal 9 (killed)"},
		{"a loop, the wrong way", "while read -r line; do :; done\nexit 7", "Runtime.UserCodeExit", "exit status 7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, log := shScript(t, test.text), &hook{}
			c.Stderr = log
			failure := startFailure(t, c)
			if !strings.HasPrefix(failure.Type, test.kind) || !strings.Contains(failure.Message, test.want) {
				t.Errorf("got %v, want %s: %s", failure, test.kind, test.want)
			}
			noneLeft(t)
		})
	}
	for _, name := range []string{"-x", "-v", "--", "no such", "$(echo)", "*", "é", "if", "ls", "echo", "eval"} {
		c, log := shScript(t, "main() { :; }"), &hook{}
		c.Handler, c.Stderr = "index."+name, log
		wantFailure(t, startFailure(t, c), "Runtime.HandlerNotFound", "index.sh does not define the function "+name)
		if log.Len() > 0 {
			t.Errorf("%s: log: got %s", name, log)
		}
	}
}

func TestShNames(t *testing.T) {
	for _, name := range []string{"a b", "-e", "$(exit)", "'", "*", "é"} {
		c := shScript(t, "")
		put(t, c.Dir+"/"+name+".sh", []byte("main() { echo ok; }"), 0o644)
		c.Handler = name + ".main"
		succeeds(t, start(t, c), "", "ok")
	}
}

func TestShTimeout(t *testing.T) {
	tests := []struct {
		name, code string
		grace      time.Duration
		survives   bool
	}{
		{"a child", "echo go >&2; sleep 1000", patience, true},
		{"busy", "echo go >&2; while :; do :; done", patience, true},
		{"another program", "echo go >&2; exec sleep 1000", patience, true},
		{"a child in the background", "sleep 1000 & echo go >&2; wait", patience, true},
		{"a last word", "trap 'echo bye; exit 0' TERM; echo go >&2; while :; do sleep 0.01; done", patience, true},
		{"all stopped", "echo go >&2; kill -STOP 0", patience, true},
		{"deaf", "trap '' TERM; echo go >&2; while :; do :; done", 50 * time.Millisecond, false},
	}
	c, log := shScript(t, evaluate), &hook{}
	c.Stderr = log
	a := start(t, c)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := hostOf(t, a)
			failure := timeUp(t, a, test.code, log, test.grace)
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

func TestShDies(t *testing.T) {
	a := start(t, shScript(t, evaluate))
	for _, test := range []struct{ code, want string }{
		{"kill -9 $$; sleep 1000", "the resident shell ended: killed by signal 9 (killed)"},
		{"echo lost line >&2; kill -HUP $$; sleep 1000", "killed by signal 1 (hangup): lost line"},
	} {
		before := hostOf(t, a)
		fails(t, a, test.code, "Function.Signal", test.want)
		noneLeft(t)
		if after := hostOf(t, a); after == before {
			t.Error("the shell still runs")
		}
		succeeds(t, a, "cat; echo ok", "cat; echo okok")
	}
}

// A program that the function calls has three descriptors, four where one is
// for the result, and the usual signals.
func TestShCleanChild(t *testing.T) {
	for _, fd3 := range []bool{false, true} {
		c := shScript(t, "ls /proc/self/fd; readlink /proc/self/fd/0; echo $#\n"+evaluate)
		log := &hook{}
		c.Stderr, c.ResultFD3 = log, fd3
		a := start(t, c)
		if got := log.String(); got != "0\n1\n2\n3\n/dev/null\n0\n" {
			t.Errorf("at the load: got %q", got)
		}
		out, want := "", "0\n1\n2\n3\n"
		if fd3 {
			out, want = " >&3", "0\n1\n2\n3\n4\n"
		}
		// ls has the folder itself open, too.
		succeeds(t, a, "{ ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status; }"+out, want+defaultSignals(t))
		succeeds(t, a, "{ env | grep -c bootstrap_; echo; }"+out, "0")
	}
}

// Variables, and credentials, are in one event alone.
func TestShVariables(t *testing.T) {
	c, log := shScript(t, "set -x\n"+`main() { env | grep -c secret; echo "$FUNCTION_REQUEST_ID"; }`), &hook{}
	c.Platform, c.PassCredentials, c.Stderr = protocol.FunctionGraph, true, log
	a := start(t, c)
	ev := newEvent("")
	ev.ID = "it's \"$(one)\"\\"
	ev.Header = textproto.MIMEHeader{}
	for name, value := range credentials {
		ev.Header.Set(name, value)
	}
	if got, failure := invokeEvent(t, a, ev); failure != nil || got != "6\n"+ev.ID {
		t.Errorf("got %q, %v", got, failure)
	}
	ev = newEvent("")
	ev.ID = ""
	if got, failure := invokeEvent(t, a, ev); failure != nil || got != "0" {
		t.Errorf("got %q, %v", got, failure)
	}
	if strings.Contains(log.String(), "secret-") {
		t.Errorf("log: got %s", log)
	}
}

func TestShNothingLeft(t *testing.T) {
	a := start(t, shScript(t, evaluate))
	const theirs = "ls /proc/$$/fd"
	shell, _ := invoke(t, a, theirs)
	before := len(leaktest.OpenFiles(t))
	for i := range 100 {
		_, _ = invoke(t, a, fmt.Sprintf("cat; echo error >&2; exit %d", i%2)) // either is fine
	}
	if after := len(leaktest.OpenFiles(t)); after > before {
		t.Errorf("descriptors: got %d, want %d", after, before)
	}
	succeeds(t, a, theirs, shell)
}
