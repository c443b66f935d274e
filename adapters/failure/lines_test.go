package failure

import (
	"strings"
	"testing"
	"unicode/utf8"
)

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
			if got := WithLine("exit status 1", Lines(test.log)); got != want {
				t.Errorf("got %.200q, want %.200q", got, want)
			}
		})
	}
}

// A long line is cut between characters.
func TestLongLine(t *testing.T) {
	for offset := range 4 {
		line := strings.Repeat("x", offset) + strings.Repeat("世", maxLine)
		got := WithLine("m", []string{line})
		text := strings.TrimPrefix(got, "m: ")
		if !utf8.ValidString(got) || len(text) > maxLine+len("…") || !strings.HasPrefix(line, strings.TrimSuffix(text, "…")) {
			t.Errorf("offset %d: got %q", offset, got)
		}
	}
}
