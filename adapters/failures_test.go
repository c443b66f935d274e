package adapters

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"bootstrap/adapters/failure"
	"bootstrap/internal/sandboxtest"
	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// No failure has a terminal escape, wherever it comes from.
func TestFailuresWithoutEscapes(t *testing.T) {
	const red, end = `\033[31m`, `\033[0m`
	program := config(t, files{"tool": "#!/bin/sh\nprintf '" + red + "Error: x" + end + "\n' >&2; exit 3"})
	program.Handler = "tool"
	stated := config(t, files{"tool": `#!/bin/sh` + "\n" + `echo '{"errorType":"Function.X","errorMessage":"\u001b[31mError: x\u001b[0m","stackTrace":["\u001b[1mat y"]}' >&2; exit 3`})
	stated.Handler = "tool"
	inPython, _ := python(t, "def main_handler(event, context): raise ValueError('\\x1b[31mError: x\\x1b[0m')")
	inNode, _ := node(t, "exports.main_handler = async () => { throw new Error('\\x1b[31mError: x\\x1b[0m'); }")
	for name, c := range map[string]setup{
		"a program":  program,
		"it says so": stated,
		"a shell":    script(t, "main() { printf '"+red+"Error: x"+end+"\\n' >&2; false; }"),
		"Python":     inPython,
		"Node":       inNode,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := start(t, c).Invoke(t.Context(), newEvent(""))
			f, ok := err.(*protocol.Failure)
			if !ok {
				t.Fatalf("got %v, want a failure", err)
			}
			if all := f.Message + strings.Join(f.Stack, "\n"); strings.Contains(all, "\x1b") || !strings.Contains(f.Message, "Error: x") {
				t.Errorf("got %q, %q", f.Message, f.Stack)
			}
		})
	}
	c, _ := python(t, "raise ValueError('\\x1b[31mno\\x1b[0m luck')")
	if err := c.adapter().Start(t.Context()); err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("got %q", err)
	}
}

// A failure that a command states counts only if the command fails.
func TestOwnFailureOfCommand(t *testing.T) {
	const say = `printf '%s' '{"errorType":"Shop.NoStock","errorMessage":"no tea","stackTrace":["a"]}'`
	program, fn := config(t, nil), script(t, evaluate)
	program.Command, program.Delivery = `eval "$1"`, Argv
	for kind, c := range map[string]setup{"program": program, "function": fn} {
		a := start(t, c)
		for _, code := range []string{say + "; exit 3", say + " >&2; exit 3", "echo more; " + say + " >&2; exit 255"} {
			a.(supervisor.Settler).Settle()
			_, err := a.Invoke(t.Context(), newEvent(code))
			f, ok := err.(*protocol.Failure)
			if !ok || f.Type != "Shop.NoStock" || f.Message != "no tea" || len(f.Stack) != 1 {
				t.Errorf("%s, %s: got %v", kind, code, err)
			}
		}
		succeeds(t, a, say, `{"errorType":"Shop.NoStock","errorMessage":"no tea","stackTrace":["a"]}`)
		succeeds(t, a, say+" >&2; echo ok >&1; printf .", "ok\n.")
	}
}

// A hint is given once, for the end of the log, and not for a failure that a
// command states itself.
func TestHintInFailure(t *testing.T) {
	const explained = "exit status 3: cat: x: Argument list too long (Linux takes 128 KB for one argument or variable: pass more on stdin or in a file)"
	const early = "; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i; done >&2"
	for kind, c := range map[string]setup{"program": config(t, nil), "function": script(t, evaluate)} {
		if kind == "program" {
			c.Command, c.Delivery = `eval "$1"`, Argv
		}
		a := start(t, c)
		complain := "echo 'cat: x: Argument list too long' >&2"
		if f := fails(t, a, complain+"; exit 3", "Function.ExitError", explained); f.Message != explained {
			t.Errorf("%s: got %q, want %q", kind, f.Message, explained)
		}
		if f := fails(t, a, "echo error: x >&2; "+complain+early+"; exit 3", "Function.ExitError", ""); strings.Contains(f.Message, "128 KB") {
			t.Errorf("%s: got %q", kind, f.Message)
		}
		own := `{"errorType":"Function.Own","errorMessage":"Argument list too long"}`
		if f := fails(t, a, "echo '"+own+"' >&2; exit 3", "Function.Own", ""); f.Message != "Argument list too long" {
			t.Errorf("%s: got %q", kind, f.Message)
		}
	}
}

// The messages are the real ones of bash and Python, in a sandbox like
// Lambda's.
func TestHintsForReal(t *testing.T) {
	if !sandboxtest.Run(t, sandboxtest.BareDev) {
		return
	}
	a := start(t, script(t, `main() { cat <(echo x); }`))
	fails(t, a, "", "Function.ExitError", "/dev/fd/63: No such file or directory (this sandbox has no /dev/fd")

	c, _ := python(t, "import multiprocessing\ndef main_handler(event, context):\n    multiprocessing.Lock()\n")
	result, err := start(t, c).Invoke(t.Context(), newEvent("1"))
	if f, ok := err.(*protocol.Failure); !ok || !strings.HasSuffix(f.Message, "use threads, or Process with Pipe)") {
		t.Errorf("got %q, %v", result, err)
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
		f := failure.Of(syscall.WaitStatus(status&0xffff), tail.String())
		if f == nil {
			return
		}
		checkFailure(t, f)
		checkJSON(t, f)
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
