package adapters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

func TestOutcomeOfStatus(t *testing.T) {
	for code := range 256 {
		kind, message := "Function.ExitError", fmt.Sprintf("exit status %d", code)
		switch code {
		case 126:
			kind, message = "Function.NotExecutable", "exit status 126 (command not executable)"
		case 127:
			kind, message = "Function.NotFound", "exit status 127 (command not found)"
		}
		got := outcome(syscall.WaitStatus(code<<8), "")
		if code == 0 {
			if got != nil {
				t.Errorf("status 0: got %v", got)
			}
			continue
		}
		if got == nil || got.Type != kind || got.Message != message {
			t.Errorf("status %d: got %v, want %s: %s", code, got, kind, message)
		}
	}
}

func TestOutcomeOfSignal(t *testing.T) {
	for signal := 1; signal <= 64; signal++ {
		for _, core := range []int{0, 0x80} {
			got := outcome(syscall.WaitStatus(signal|core), "")
			want := fmt.Sprintf("killed by signal %d (", signal)
			if got == nil || got.Type != "Function.Signal" || !strings.HasPrefix(got.Message, want) {
				t.Errorf("signal %d: got %v, want %s", signal, got, want)
			}
		}
	}
	if got := outcome(9, "").Message; got != "killed by signal 9 (killed)" {
		t.Errorf("got %q", got)
	}
}

// A shell reports a signal as 128 plus its number.
func TestShellStatus(t *testing.T) {
	for code := range 256 {
		got := shellStatus(code)
		if signal := code - 128; signal >= 1 && signal <= 64 {
			if !got.Signaled() || int(got.Signal()) != signal {
				t.Errorf("%d: got %v, want signal %d", code, got, signal)
			}
		} else if !got.Exited() || got.ExitStatus() != code {
			t.Errorf("%d: got %v, want the exit status", code, got)
		}
	}
}

func TestOutcomeQuotesTheLog(t *testing.T) {
	got := outcome(3<<8, "starting\nerror: no disk\r\nbye\n")
	if got.Message != "exit status 3: error: no disk" {
		t.Errorf("message: got %q", got.Message)
	}
	if stack := strings.Join(got.Stack, "|"); stack != "starting|error: no disk|bye" {
		t.Errorf("stack: got %q", stack)
	}
}

func TestCutShort(t *testing.T) {
	ev := newEvent("")
	ev.Received = time.Now().Add(-2 * time.Second)
	ev.Deadline = ev.Received.Add(3 * time.Second)
	tests := []struct {
		name       string
		cause      error
		kind, want string
	}{
		{"time", context.DeadlineExceeded, "Function.Timeout", "timed out: still running 2"},
		{"time, with its limit", context.DeadlineExceeded, "Function.Timeout", "(the limit is 3s)"},
		{"size", errTooLarge, "Function.ResponseSizeTooLarge", "the command was killed at 1500 bytes; the platform accepts at most 1000"},
		{"stop", supervisor.ErrStopping, "Function.Stopped", "stopped before it finished: the runtime is stopping"},
		{"other", errors.New("moon"), "Function.Stopped", "moon"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := stopFailure(test.cause, ev, &result{max: 1000, over: 1500}, "last words\n")
			wantFailure(t, got, test.kind, test.want)
			if len(got.Stack) != 1 || got.Stack[0] != "last words" {
				t.Errorf("stack: got %q", got.Stack)
			}
		})
	}
}

func TestUsefulLine(t *testing.T) {
	long := strings.Repeat("é", maxLine)
	tests := []struct{ name, log, want string }{
		{"nothing", "", ""},
		{"empty lines", "\n\r\n \n\t\n", ""},
		{"plain text", "disk full\n", "disk full"},
		{"no newline", "disk full", "disk full"},
		{"the first of two", "one\ntwo\n", "one"},
		{"windows line ends", "disk full\r\nmore\r\n", "disk full"},
		{"log lines before the error", "INFO starting\nINFO reading x\nERROR: cannot read x\n", "ERROR: cannot read x"},
		{"the first error", "ERROR: one\nERROR: two\n", "ERROR: one"},
		{"bash", "/var/task/index.sh: line 3: foo: command not found\n", "/var/task/index.sh: line 3: foo: command not found"},
		{"bash, set -u", "index.sh: line 2: X: unbound variable", "index.sh: line 2: X: unbound variable"},
		{"dash", "/app/tool: 2: foo: not found\n", "/app/tool: 2: foo: not found"},
		{"python", "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    raise ValueError(\"bad\")\nValueError: bad\n", "ValueError: bad"},
		{"python, with markers", "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    1/0\n    ~^~\nZeroDivisionError: division by zero\n", "ZeroDivisionError: division by zero"},
		{"python, an odd name", "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    raise Boom\n__main__.Boom: bang\n", "__main__.Boom: bang"},
		{"go", "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1\nexit status 2\n", "panic: boom"},
		{"go, fatal", "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\n", "fatal error: all goroutines are asleep - deadlock!"},
		{"java", "Exception in thread \"main\" java.lang.IllegalStateException: boom\n\tat A.main(A.java:3)\n", `Exception in thread "main" java.lang.IllegalStateException: boom`},
		{"node", "/app/x.js:1\nthrow new Error(\"boom\")\n^\n\nError: boom\n    at Object.<anonymous> (/app/x.js:1:7)\n\nNode.js v18\n", "Error: boom"},
		{"node, in a function", "/app/x.js:2\n    throw new TypeError('boom')\n    ^\n\nTypeError: boom\n    at f (/app/x.js:2:9)\n", "TypeError: boom"},
		{"ruby", "x.rb:1:in `<main>': boom (RuntimeError)\n", "x.rb:1:in `<main>': boom (RuntimeError)"},
		{"perl", "boom at x.pl line 1.\n", "boom at x.pl line 1."},
		{"only the inside of something", "  at a\n  at b\n", ""},
		{"a very long line", long, long[:maxLine] + "…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := "exit status 1"
			if test.want != "" {
				want += ": " + test.want
			}
			if got := withLine("exit status 1", lines(test.log)); got != want {
				t.Errorf("got %s, want %s", short(got), short(want))
			}
		})
	}
}

// A long line is cut between characters.
func TestLongLine(t *testing.T) {
	for offset := range 4 {
		line := strings.Repeat("x", offset) + strings.Repeat("世", maxLine)
		got := withLine("m", []string{line})
		text := strings.TrimPrefix(got, "m: ")
		if !utf8.ValidString(got) || len(text) > maxLine+len("…") || !strings.HasPrefix(line, strings.TrimSuffix(text, "…")) {
			t.Errorf("offset %d: got %q", offset, got)
		}
	}
}

func FuzzFailure(f *testing.F) {
	f.Add("", 1)
	f.Add("Traceback (most recent call last):\n  x\nE: y", 1<<8)
	f.Add("\"\\\x00\x1b[31m\u2028\xff\xfe\r\n", 127<<8)
	f.Add(strings.Repeat("\x01", 5000), 9)
	f.Add(strings.Repeat("a\xff", 5000), 3<<8)
	f.Fuzz(func(t *testing.T, log string, status int) {
		tail := (&function{services: Services{Stderr: &strings.Builder{}}}).newStderr()
		_, _ = tail.Write([]byte(log)) // a Tail takes all
		failure := outcome(syscall.WaitStatus(status&0xffff), tail.String())
		if failure == nil {
			return
		}
		checkFailure(t, failure)
		checkJSON(t, failure)
	})
}

// checkJSON checks that the JSON of a failure says the same as the failure.
func checkJSON(t *testing.T, f *protocol.Failure) {
	t.Helper()
	var got struct {
		ErrorType    string
		ErrorMessage string
		StackTrace   []string
	}
	if err := json.Unmarshal(f.JSON(), &got); err != nil {
		t.Fatalf("%v in %q", err, f.JSON())
	}
	if got.ErrorType != f.Type || got.ErrorMessage != f.Message || len(got.StackTrace) != len(f.Stack) {
		t.Errorf("got %+v, want %+v", got, f)
	}
}

// bash -c also exits with 127 for an unset variable, which is not a missing
// command.
func TestUnboundVariable(t *testing.T) {
	f := outcome(syscall.WaitStatus(127<<8), "environment: line 1: name: unbound variable\n")
	if f == nil || f.Type != "Function.ExitError" || f.Message != "exit status 127: environment: line 1: name: unbound variable" {
		t.Errorf("got %+v, want Function.ExitError with the line of bash", f)
	}
}
