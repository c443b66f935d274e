package adapters

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/adapters/failure"
	"bootstrap/internal/effort"
	"bootstrap/internal/leaktest"
	"bootstrap/protocol"
)

// echoes are programs that answer with the event, one for each delivery.
var echoes = map[Delivery]string{
	Stdin: "#!/bin/sh\nexec cat",
	Argv:  "#!/bin/sh\nprintf %s \"$1\"",
	File:  "#!/bin/sh\nexec cat \"$1\"",
}

// texts are events and results that are hard to pass on unchanged.
var texts = map[string]string{
	"empty":           "",
	"a byte":          "x",
	"a newline":       "\n",
	"newlines at end": "text\n\n\n",
	"windows lines":   "a\r\nb\r\n",
	"JSON":            `{"name":"世界","quote":"\"","n":1.50}` + "\n",
	"a file's name":   "@/etc/passwd",
	"an option":       "--config",
	"a dash":          "-",
	"quotes":          `'"` + "`" + `''""`,
	"backslashes":     `\\\n\0 \`,
	"shell code":      `$(touch made); touch made # "; touch made '; touch made` + " `touch made` | touch made",
	"globs":           "* ? [a-z] {a,b} ~ !x",
	"spaces":          "  a \t b  ",
	"not UTF-8":       "\xff\xfe\x80text\xc3",
	"a BOM":           "\ufefftext",
	"all bytes but 0": allBytes()[1:],
	"100 KB":          strings.Repeat("0123456789", 10_000),
}

// notText are events that no argument can hold.
var notText = map[string]string{
	"all bytes": allBytes() + "\n\n",
	"a NUL":     "\x00",
	"NUL first": "\x00text",
	"NUL last":  "text\x00",
}

func TestDelivery(t *testing.T) {
	for delivery, program := range echoes {
		t.Run(string(delivery), func(t *testing.T) {
			c := config(t, files{"tool": program})
			c.Handler, c.Delivery = "tool", delivery
			a := start(t, c)
			for name, text := range texts {
				t.Run(name, func(t *testing.T) { succeeds(t, a, text, text) })
			}
			for name, text := range notText {
				t.Run(name, func(t *testing.T) {
					if delivery == Argv {
						fails(t, a, text, "Function.EventNotText", "the event contains a NUL byte, and an argument cannot: set BOOTSTRAP_DELIVERY to stdin or file")
					} else {
						succeeds(t, a, text, text)
					}
				})
			}
			if got := names(t, c.Dir); len(got) != 1 {
				t.Errorf("in the code folder: got %v, want tool alone", got)
			}
		})
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestEventSizes(t *testing.T) {
	sizes := map[Delivery]string{
		Stdin: "wc -c",
		Argv:  "echo ${#1}",
		File:  `wc -c <"$1"`,
	}
	for delivery, command := range sizes {
		c := config(t, nil)
		c.Command, c.Delivery = command, delivery
		a := start(t, c)
		for _, size := range []int{0, 1, 65535, 65536, 65537, 131070, 131071, 131072, 131073, 1 << 20, 6 << 20} {
			t.Run(fmt.Sprintf("%s %d", delivery, size), func(t *testing.T) {
				body := strings.Repeat("x", size)
				if delivery == Argv && size > 131071 {
					fails(t, a, body, "Function.EventTooLarge", fmt.Sprintf("the event has %d bytes, and an argument at most 131071: set BOOTSTRAP_DELIVERY to stdin or file", size))
				} else {
					succeeds(t, a, body, strconv.Itoa(size)+"\n")
				}
			})
		}
	}
}

// Arguments that are too long together give another failure than one that is
// too long.
func TestLargeEnvironment(t *testing.T) {
	c := config(t, nil)
	c.Command = "true"
	for i := range 64 {
		c.Environ = append(c.Environ, fmt.Sprintf("X%d=%s", i, strings.Repeat("x", 100_000)))
	}
	fails(t, start(t, c), "", "Function.EventTooLarge", "cannot start /bin/bash: its arguments and variables are longer than Linux allows")
}

// Each event has a file of its own, which is removed after every outcome.
func TestEventFile(t *testing.T) {
	tests := []struct{ name, command, kind string }{
		{"success", `stat -c %a "$1"`, ""},
		{"removed by the command", `stat -c %a "$1"; rm "$1"`, ""},
		{"failure", `exit 3`, "Function.ExitError"},
		{"killed", `kill -9 $$`, "Function.Signal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, nil)
			c.Command, c.Delivery = test.command, File
			a := start(t, c)
			if test.kind == "" {
				succeeds(t, a, "x", "600\n")
			} else {
				fails(t, a, "x", test.kind, "")
			}
			if left := entries(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
	t.Run("timeout", func(t *testing.T) {
		c, log := config(t, nil), &hook{}
		c.Command, c.Delivery, c.Stderr = "echo go >&2; sleep 1000", File, log
		timeUp(t, start(t, c), "", log, patience)
	})
	t.Run("no temp folder", func(t *testing.T) {
		c := config(t, nil)
		c.Command, c.Delivery = "true", File
		a := start(t, c)
		temp := os.Getenv("TMPDIR")
		t.Setenv("TMPDIR", "/nowhere")
		removeRuns(t, temp)
		fails(t, a, "x", "Runtime.TempError", "cannot put the event into a file")
		t.Setenv("TMPDIR", temp)
		succeeds(t, a, "x", "")
	})
}

func TestUnreadEvent(t *testing.T) {
	body := strings.Repeat("x", 1<<20)
	c := config(t, nil)
	c.Command = `["true"]`
	a := start(t, c)
	for range effort.Repeats(50) {
		succeeds(t, a, body, "")
	}
	c.Command = `exec <&-; echo ok`
	succeeds(t, start(t, c), body, "ok\n")
	c.Command = `head -c 10; exit 0`
	succeeds(t, start(t, c), body, "xxxxxxxxxx")
}

// A command may answer while it reads.
func TestLargeBothWays(t *testing.T) {
	c := config(t, nil)
	c.Command = `["cat"]`
	body := random(6 << 20)
	succeeds(t, start(t, c), body, body)
}

// random returns n random bytes, the same in each run.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return string(b)
}

// The log is read while the command runs: this command waits for its reader.
func TestLogIsLive(t *testing.T) {
	c, log := config(t, nil), &hook{text: "first"}
	fifo := c.Dir + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	log.seen = func() {
		if err := os.WriteFile(fifo, []byte("seen\n"), 0); err != nil {
			t.Error(err)
		}
	}
	c.Command, c.Stderr = `printf first >&2; read answer <fifo; echo "$answer"; printf ', last' >&2`, log
	succeeds(t, start(t, c), "", "seen\n")
	if got := log.String(); got != "first, last" {
		t.Errorf("log: got %q", got)
	}
}

// The log has every byte, and the failure has the end of it.
func TestLogBytes(t *testing.T) {
	tests := map[string]string{
		"nothing":      "",
		"no newline":   "text",
		"all bytes":    allBytes(),
		"random":       random(100_000),
		"a JSON line":  `{"level":"info","msg":"\u00e9"}` + "\n",
		"many lines":   strings.Repeat("line\n", 10_000) + "last\n",
		"8 MB, a line": strings.Repeat("x", 8<<20) + "last",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			c, log := config(t, nil), &hook{}
			c.Command, c.Stderr = `cat >&2; exit 3`, log
			failure := fails(t, start(t, c), text, "Function.ExitError", "exit status 3")
			if log.String() != text {
				t.Errorf("log: got %s, want %s", short(log.String()), short(text))
			}
			checkJSON(t, failure)
			if strings.Contains(text, "last") && !strings.HasSuffix(strings.Join(failure.Stack, "\n"), "last") {
				t.Errorf("stack: got %q", failure.Stack)
			}
		})
	}
}

// No last line is lost, and none comes from an earlier event.
func TestLastLines(t *testing.T) {
	c := config(t, nil)
	c.Command = `read n; echo "error $n" >&2; exit 1`
	a := start(t, c)
	for n := range effort.Repeats(200) {
		fails(t, a, strconv.Itoa(n)+"\n", "Function.ExitError", fmt.Sprintf("exit status 1: error %d", n))
	}
}

func TestBothStreams(t *testing.T) {
	c, log := config(t, nil), &hook{}
	c.Command = `for i in 1 2 3 4 5 6 7 8 9 10; do head -c 65536 /dev/zero; head -c 65536 /dev/zero >&2; done`
	c.Stderr = log
	succeeds(t, start(t, c), "", strings.Repeat("\x00", 10*65536))
	if log.Len() != 10*65536 {
		t.Errorf("log: got %d bytes", log.Len())
	}
}

func TestFailOnStderr(t *testing.T) {
	tests := []struct{ name, command, kind, want string }{
		{"silent", "echo ok", "", "ok"},
		{"a line", "echo ok; echo warning: old >&2", "Function.Stderr", "the command wrote to stderr, and BOOTSTRAP_STDERR is fail: warning: old"},
		{"a byte", "echo ok; printf x >&2", "Function.Stderr", "x"},
		{"silent again", "echo ok", "", "ok"},
		{"a failure", "echo bad >&2; exit 3", "Function.ExitError", "exit status 3: bad"},
	}
	program, fn := config(t, nil), config(t, files{"index.sh": `main() { eval "$1"; }`})
	program.Command, program.Delivery, program.FailOnStderr = `x=$(eval "$1") || exit; printf %s "$x"`, Argv, true
	fn.Handler, fn.FailOnStderr = "index.main", true
	for kind, a := range map[string]setup{"program": program, "function": fn} {
		a := start(t, a)
		for _, test := range tests {
			t.Run(kind+", "+test.name, func(t *testing.T) {
				if test.kind == "" {
					succeeds(t, a, test.command, test.want)
				} else {
					fails(t, a, test.command, test.kind, test.want)
				}
			})
		}
	}
}

// small returns a platform that takes results of that many bytes.
func small(max int) *protocol.Platform {
	platform := *protocol.Lambda
	platform.MaxResult = max
	return &platform
}

func TestResultLimit(t *testing.T) {
	tests := []struct {
		name, command string
		size          int // -1: too large
	}{
		{"nothing", "true", 0},
		{"less", "head -c 999 /dev/zero", 999},
		{"as much", "head -c 1000 /dev/zero", 1000},
		{"a byte more, at once", "head -c 1001 /dev/zero", -1},
		{"a byte more, in two steps", "head -c 1000 /dev/zero; printf x", -1},
		{"a pipe full, at once", "head -c 65536 /dev/zero", -1},
		{"without end", "yes", -1},
		{"without end, deaf", "trap '' TERM; yes", -1},
	}
	program, fn := config(t, nil), config(t, files{"index.sh": `main() { eval "$1"; }`})
	program.Command, program.Delivery, program.Platform = `eval "$1"`, Argv, small(1000)
	fn.Handler, fn.Platform = "index.main", small(1000)
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		a := start(t, c)
		for _, test := range tests {
			t.Run(kind+", "+test.name, func(t *testing.T) {
				for range effort.Repeats(5) {
					if test.size >= 0 {
						succeeds(t, a, test.command, strings.Repeat("\x00", test.size))
					} else {
						fails(t, a, test.command, "Function.ResponseSizeTooLarge", "bytes; the platform accepts at most 1000")
					}
				}
			})
		}
	}
}

// The result limit also applies to bytes that a command writes just before it
// exits.
func TestResultLimitAtExit(t *testing.T) {
	c, log := config(t, nil), &hook{text: "go"}
	fifo := c.Dir + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	log.seen = func() { // nobody reads the result while the log is written
		if err := os.WriteFile(fifo, []byte("now"), 0); err != nil {
			t.Error(err)
		}
		await(t, "the end of the command", func() bool { return slices.ContainsFunc(children(), zombie) })
	}
	c.Command, c.Platform, c.Stderr = "echo go >&2; read now <fifo; exec head -c 1001 /dev/zero", small(1000), log
	fails(t, start(t, c), "", "Function.ResponseSizeTooLarge", "bytes; the platform accepts at most 1000")
}

// credentials are the credentials of an event on FunctionGraph.
var credentials = map[string]string{
	"X-Cff-Access-Key": "secret-1", "X-Cff-Secret-Key": "secret-2", "X-Cff-Security-Access-Key": "secret-3",
	"X-Cff-Security-Secret-Key": "secret-4", "X-Cff-Security-Token": "secret-5", "X-Cff-Auth-Token": "secret-6",
}

// A command gets its environment unchanged, and variables about the event.
func TestEnvironment(t *testing.T) {
	tests := []struct {
		name     string
		platform *protocol.Platform
		header   map[string]string
		getenv   map[string]string
		limit    time.Duration
		pass     bool
		want     []string
	}{
		{
			name: "lambda", platform: protocol.Lambda, limit: 1500 * time.Millisecond,
			header: map[string]string{"Lambda-Runtime-Trace-Id": `Root=1;a='b';c="$(touch made)"`, "Cookie": "secret-0"},
			getenv: map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"},
			want: []string{"FUNCTION_PLATFORM=lambda", "FUNCTION_NAME=f", "FUNCTION_VERSION=$LATEST", "FUNCTION_MEMORY_MB=128",
				`FUNCTION_TRACE_ID=Root=1;a='b';c="$(touch made)"`, `_X_AMZN_TRACE_ID=Root=1;a='b';c="$(touch made)"`, "FUNCTION_TIME_LIMIT_MS=1500"},
		},
		{
			name: "scf", platform: protocol.SCF, limit: 3 * time.Second,
			header: map[string]string{"Memory_Limit_In_Mb": "256", "Time_Limit_In_Ms": "3000", "X": "secret-0"},
			getenv: map[string]string{"SCF_FUNCTIONNAME": "it's\nf", "SCF_FUNCTIONVERSION": "2"},
			want: []string{"FUNCTION_PLATFORM=scf", "FUNCTION_NAME=it's\nf", "FUNCTION_VERSION=2", "FUNCTION_MEMORY_MB=256",
				"FUNCTION_TIME_LIMIT_MS=3000"},
		},
		{
			name: "functiongraph", platform: protocol.FunctionGraph, header: credentials,
			getenv: map[string]string{"RUNTIME_FUNC_NAME": "f", "RUNTIME_FUNC_VERSION": "latest", "RUNTIME_MEMORY": "512"},
			want:   []string{"FUNCTION_PLATFORM=functiongraph", "FUNCTION_NAME=f", "FUNCTION_VERSION=latest", "FUNCTION_MEMORY_MB=512"},
		},
		{
			name: "functiongraph, with credentials", platform: protocol.FunctionGraph, header: credentials, pass: true,
			want: []string{"FUNCTION_PLATFORM=functiongraph", "FUNCTION_ACCESS_KEY=secret-1", "FUNCTION_SECRET_KEY=secret-2",
				"FUNCTION_SECURITY_ACCESS_KEY=secret-3", "FUNCTION_SECURITY_SECRET_KEY=secret-4",
				"FUNCTION_SECURITY_TOKEN=secret-5", "FUNCTION_AUTH_TOKEN=secret-6"},
		},
		{
			name: "what a client sends", platform: protocol.Lambda,
			header: map[string]string{"Lambda-Runtime-Client-Context": `{"custom":{"a":"it's"}}`, "Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i"}`, "Lambda-Runtime-Aws-Tenant-Id": "t"},
			want:   []string{"FUNCTION_PLATFORM=lambda", `FUNCTION_CLIENT_CONTEXT={"custom":{"a":"it's"}}`, `FUNCTION_COGNITO_IDENTITY={"cognitoIdentityId":"i"}`, "FUNCTION_TENANT_ID=t"},
		},
		{
			name: "an alias and a workflow", platform: protocol.FunctionGraph, getenv: map[string]string{"RUNTIME_ALIAS": "live"},
			header: map[string]string{"X-Cff-Workflow-Id": "1", "X-Cff-Workflow-Run-Id": "2", "X-Cff-Workflow-State-Id": "3"},
			want:   []string{"FUNCTION_PLATFORM=functiongraph", "FUNCTION_ALIAS=live", "FUNCTION_WORKFLOW_ID=1", "FUNCTION_WORKFLOW_RUN_ID=2", "FUNCTION_WORKFLOW_STATE_ID=3"},
		},
		{name: "nothing known", platform: protocol.Lambda, want: []string{"FUNCTION_PLATFORM=lambda"}},
	}
	for _, test := range tests {
		ev := newEvent("")
		ev.Deadline = time.Time{}
		if test.limit > 0 {
			ev.Deadline = ev.Received.Add(test.limit)
			test.want = append(test.want, fmt.Sprint("FUNCTION_DEADLINE_MS=", ev.Deadline.UnixMilli()))
		}
		ev.Header = textproto.MIMEHeader{}
		for name, value := range test.header {
			ev.Header.Set(name, value)
		}
		for kind, handler := range map[string]string{"program": "env0", "function": "index.main"} {
			t.Run(test.name+", "+kind, func(t *testing.T) {
				c, log := config(t, files{"index.sh": "main() { env -0; }", "env0": ""}), &hook{}
				c.Command, c.Handler, c.Platform, c.PassCredentials, c.Stderr = "", handler, test.platform, test.pass, log
				if kind == "program" {
					c.Command = `["env", "-0"]`
				}
				c.Getenv = func(name string) string {
					if name == "PATH" {
						return os.Getenv(name)
					}
					return test.getenv[name]
				}
				env := []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.Getenv("TMPDIR"), "A=b=c==", "B=", "ROWS=one\ntwo"}
				c.Environ = slices.Concat(env, []string{"FUNCTION_REQUEST_ID=stale", "FUNCTION_PLATFORM=stale"})
				result, failure := invokeEvent(t, start(t, c), ev)
				if failure != nil {
					t.Fatal(failure)
				}
				got := slices.DeleteFunc(strings.Split(strings.TrimSuffix(result, "\x00"), "\x00"), madeByBash)
				want := slices.Concat(env, []string{"FUNCTION_REQUEST_ID=id-1"}, test.want)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("got  %q\nwant %q", got, want)
				}
				if log.Len() > 0 {
					t.Errorf("log: got %q", log)
				}
			})
		}
	}
}

// madeByBash lists the variables that bash sets for its children.
func madeByBash(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"PWD", "OLDPWD", "SHLVL", "_"}, name)
}

// No failure contains a secret that came with the event.
func TestSecretsInFailures(t *testing.T) {
	ev := newEvent(`{"password":"secret-0"}`)
	ev.Header = textproto.MIMEHeader{}
	for name, value := range credentials {
		ev.Header.Set(name, value)
	}
	for _, command := range []string{"exit 3", "kill -9 $$", "yes", "set -x; exit 1", "env >&2; exit 1", "no-such-command", "syntax error ("} {
		for _, delivery := range []Delivery{Stdin, Argv, File} {
			c, log := config(t, nil), &hook{}
			c.Command, c.Delivery, c.Stderr, c.Platform = command, delivery, log, protocol.FunctionGraph
			_, failure := invokeEvent(t, start(t, c), ev)
			if failure == nil || strings.Contains(string(failure.JSON()), "secret") || strings.Contains(log.String(), "secret") {
				t.Errorf("%s: got %v, log %q", command, failure, log)
			}
		}
	}
}

func TestListOfArguments(t *testing.T) {
	c := config(t, nil)
	c.Command = `["printf", "<%s>", "a b", "'\"", "$HOME", "$(touch made)", "line\nline", "*", "", "; touch made", "\\n", "世"]`
	succeeds(t, start(t, c), "", "<a b><'\"><$HOME><$(touch made)><line\nline><*><><; touch made><\\n><世>")
	if made := names(t, c.Dir); len(made) > 0 {
		t.Errorf("made %v", made)
	}
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		name     string
		delivery Delivery
		command  string
		want     string
	}{
		{"a pipe", Stdin, "tr a-z A-Z | rev", "FEDCBA"},
		{"two commands", Stdin, "cat; echo '-'", "abcdef-\n"},
		{"a variable", Stdin, `echo "$FUNCTION_REQUEST_ID"`, "id-1\n"},
		{"an argument", Argv, `echo "$# $1"`, "1 abcdef\n"},
		{"the working directory", Stdin, `cat here`, "in the code folder"},
		{"a program of the code folder", Stdin, `./tool`, "tool"},
		{"quotes", Stdin, `echo 'a  b' "c"`, "a  b c\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, files{"here": "in the code folder", "tool": "#!/bin/sh\nprintf tool"})
			c.Command, c.Delivery = test.command, test.delivery
			succeeds(t, start(t, c), "abcdef", test.want)
		})
	}
}

// deadly are the signals that kill a process.
var deadly = []syscall.Signal{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31}

func TestExits(t *testing.T) {
	c := config(t, nil)
	c.Command, c.Delivery = `["sh", "-c", "ulimit -c 0; eval \"$1\"", "sh"]`, Argv // bash ignores SIGQUIT
	a := start(t, c)
	for code := 1; code < 256; code++ {
		if !effort.HasTurn(code, 5) {
			continue
		}
		want := failure.Of(syscall.WaitStatus(code<<8), "")
		fails(t, a, fmt.Sprintf("echo out; exit %d", code), want.Type, want.Message)
	}
	for _, signal := range deadly {
		fails(t, a, fmt.Sprintf("kill -%d $$", signal), "Function.Signal", fmt.Sprintf("killed by signal %d (%v)", signal, signal))
	}
	succeeds(t, a, "exit 0", "")
}

// Whatever a command does when it times out, it and its group are gone before the
// failure is reported.
func TestTimeout(t *testing.T) {
	tests := []struct {
		name, command string
		grace         time.Duration
		last          string // of the log
	}{
		{"a child", "echo go >&2; sleep 1000", patience, "go"},
		{"itself", "echo go >&2; exec sleep 1000", patience, "go"},
		{"a child in the background", "sleep 1000 & echo go >&2; wait", patience, "go"},
		{"busy", "echo go >&2; while :; do :; done", patience, "go"},
		{"an answer on the way", "echo part; echo go >&2; sleep 1000", patience, "go"},
		{"a last word", "trap 'echo bye >&2; exit 0' TERM; echo go >&2; while :; do sleep 0.01; done", patience, "bye"},
		{"stopped", "echo go >&2; kill -STOP $$", patience, "go"},
		{"endless output", "echo go >&2; yes >&2", patience, ""},
		{"deaf", "trap '' TERM; echo go >&2; while :; do :; done", 50 * time.Millisecond, "go"},
		{"deaf children", "trap '' TERM; sleep 1000 & sleep 1000 & echo go >&2; wait", 50 * time.Millisecond, "go"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, log := config(t, nil), &hook{}
			c.Command, c.Stderr = test.command, log
			a := start(t, c)
			began := time.Now()
			failure := timeUp(t, a, "", log, test.grace)
			if took := time.Since(began); took > patience/2 {
				t.Errorf("took %v", took)
			}
			noneLeft(t)
			if !strings.HasSuffix(strings.Join(failure.Stack, "\n"), test.last) {
				t.Errorf("stack: got %q, want %s at the end", failure.Stack, test.last)
			}
		})
	}
}

// The deadline of a context is a timeout, too.
func TestDeadline(t *testing.T) {
	c := config(t, nil)
	c.Command = "sleep 1000"
	ev := newEvent("")
	ev.Deadline = ev.Received.Add(200 * time.Millisecond)
	ctx, cancel := context.WithDeadline(t.Context(), ev.Received.Add(100*time.Millisecond))
	defer cancel()
	_, failure := invokeFor(ctx, t, start(t, c), ev)
	wantFailure(t, failure, "Function.Timeout", "(the limit is 200ms)")
}

func TestGrace(t *testing.T) {
	ev := newEvent("")
	with := func(before time.Duration) context.Context {
		ctx, cancel := context.WithDeadline(t.Context(), ev.Deadline.Add(-before))
		t.Cleanup(cancel)
		return ctx
	}
	tests := []struct {
		name string
		ctx  context.Context
		want time.Duration
	}{
		{"half of the margin", with(time.Second), 500 * time.Millisecond},
		{"a small margin", with(10 * time.Millisecond), 5 * time.Millisecond},
		{"no margin", with(0), 500 * time.Millisecond},
		{"no deadline", context.Background(), 500 * time.Millisecond},
	}
	for _, test := range tests {
		if got := grace(test.ctx, ev); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// An answer does not wait for background processes of the command, whose group
// is killed.
func TestBackground(t *testing.T) {
	c := config(t, nil)
	c.Command = "sleep 1000 & echo ok"
	a := start(t, c)
	began := time.Now()
	for range effort.Repeats(20) {
		succeeds(t, a, "", "ok\n")
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %v", took)
	}
	noneLeft(t)
}

// A command gets the default signals and descriptors, whatever this process
// has.
func TestCleanChild(t *testing.T) {
	for delivery := range echoes {
		c := config(t, nil)
		c.Delivery = delivery
		c.Command = `["sh", "-c", "ls /proc/$$/fd"]`
		succeeds(t, start(t, c), "x", "0\n1\n2\n")
		if c.Command = `["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"]`; delivery == Stdin {
			succeeds(t, start(t, c), "x", defaultSignals(t)+"\n")
		}
	}
}

// defaultSignals returns the lines of /proc/PID/status for a process that
// blocks no signal, and ignores only those that the parent of the tests ignored
// (make leaves a signal of the C library ignored).
func defaultSignals(t *testing.T) string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, ignored, _ := strings.Cut(string(status), "SigIgn:")
	ignored, _, _ = strings.Cut(ignored, "\n")
	return "SigBlk:\t0000000000000000\nSigIgn:" + ignored
}

func TestNothingLeft(t *testing.T) {
	for delivery := range echoes {
		t.Run(string(delivery), func(t *testing.T) {
			c := config(t, nil)
			c.Command, c.Delivery = `read -r _; echo error >&2; exit $(($$ % 2))`, delivery
			a := start(t, c)
			before := len(leaktest.OpenFiles(t))
			for range effort.Repeats(200) {
				_, _ = invoke(t, a, "x") // either is fine
			}
			if after := len(leaktest.OpenFiles(t)); after != before {
				t.Errorf("descriptors: got %d, want %d", after, before)
			}
			if left := leftInTemp(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A log whose writer fails does not fail the event.
func TestBrokenLog(t *testing.T) {
	c := config(t, nil)
	c.Command, c.Stderr = "echo lost >&2; echo ok", brokenWriter{}
	succeeds(t, start(t, c), "", "ok\n")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// A busy child that the program leaves behind does not delay its event: neither
// at the time limit, nor with a result shortly before.
func TestBusyChildAtTheLimit(t *testing.T) {
	for name, line := range map[string]string{
		"deaf":     "(trap '' TERM; while :; do :; done) & wait",
		"a result": "(while :; do :; done) & sleep 0.4; echo done",
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, nil)
			c.Command = line
			a := start(t, c)
			ev := newEvent("")
			ev.Deadline = ev.Received.Add(950 * time.Millisecond)
			ctx, cancel := context.WithDeadline(t.Context(), ev.Received.Add(450*time.Millisecond))
			defer cancel()
			_, failure := invokeFor(ctx, t, a, ev)
			if late := time.Since(ev.Deadline); late > 0 && late < time.Second { // more is a machine that stood still
				t.Errorf("got the outcome %v after the deadline: %v", late, failure)
			}
		})
	}
}
