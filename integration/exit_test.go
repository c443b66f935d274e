package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// TestE01FailureAfterOutput checks that a command that fails after output has
// no result.
func TestE01FailureAfterOutput(t *testing.T) {
	inEachWay(t, `echo '{"statusCode": 200}'; exit 3`, nil, func(t *testing.T, f *trial) {
		f.fails(t, "{}", "Function.ExitError", "exit status 3")
	})
}

// The failure of a command that was killed names the signal.
func TestE02Signals(t *testing.T) {
	inEachWay(t, `echo output; exec sh -c "kill -$(event) \$\$"`, nil, func(t *testing.T, f *trial) {
		for signal, name := range map[string]string{"1": "hangup", "6": "aborted", "9": "killed", "11": "segmentation fault", "15": "terminated"} {
			f.fails(t, signal, "Function.Signal", "signal "+signal, name)
		}
	})
}

// Exit status 0 gives a result, even an empty one.
func TestE03EmptyResult(t *testing.T) {
	inEachWay(t, does, nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "exit 0", "")
		f.succeeds(t, "echo log >&2", "")
	})
}

// A failure is JSON and of a bounded size, whatever stderr says.
func TestE04FailureIsJSON(t *testing.T) {
	inEachWay(t, "cat text >&2; exit 1", nil, func(t *testing.T, f *trial) {
		for _, text := range []string{
			`a "quoted" 'text'`, `back\slash \u0000 \`, "new\nlines\r\n\ttabs", "\x00\x01\x1b[31mred\x7f", "{\"errorType\":", "</script>&amp;", "\u2028\u2029\ufeff",
			strings.Repeat("\x01", 100_000), strings.Repeat("\\\"\n", 30_000), strings.Repeat("€", 50_000),
		} {
			write(t, f.dir, "text", text, 0o644)
			f.fails(t, "{}", "Function.ExitError")
			if out := f.invoke(t, "{}"); len(out.Body) > 64<<10 {
				t.Errorf("%.20q…: the failure has %d bytes", text, len(out.Body))
			}
		}
	})
}

// Whatever a command does to itself and to its group, the next event is served.
func TestE05NextEvent(t *testing.T) {
	inEachWay(t, does, nil, func(t *testing.T, f *trial) {
		for _, fault := range []struct{ event, kind, text string }{
			{"exit 4", "Function.ExitError", "4"},
			{"set -e; false; true", "Function.ExitError", "1"},
			{"set -u; echo $nothing_of_that_name", "Function.ExitError", "nothing_of_that_name"},
			{"kill -9 $$", "Function.Signal", "9"},
			{"kill -9 0", "Function.Signal", "9"},
			{"kill -TERM 0; sleep 60", "Function.Signal", "15"},
			{"exec nothing-of-that-name", "Function.NotFound", "nothing-of-that-name"},
			{"exec >&- 2>&- <&-; exit 5", "Function.ExitError", "5"},
			{"ulimit -f 0; echo x >file", "Function.Signal", "25"},
		} {
			f.fails(t, fault.event, fault.kind, fault.text)
			f.succeeds(t, "echo alive", "alive\n")
		}
		f.leavesNothing(t)
		if got := f.server.Stats(); got.Instances != 1 {
			t.Errorf("bootstrap itself was started %d times, want once", got.Instances)
		}
	})
}

// TestE06Stderr checks that a failure contains the most informative line of
// stderr and its last 4 KB.
func TestE06Stderr(t *testing.T) {
	inEachWay(t, `seq 10000 >&2; echo "error: no such customer" >&2; echo "good bye" >&2; exit 3`, nil, func(t *testing.T, f *trial) {
		got := f.fails(t, "{}", "Function.ExitError", "exit status 3", "error: no such customer")
		text := strings.Join(got.Stack, "\n")
		if !strings.HasSuffix(text, "\n9999\n10000\nerror: no such customer\ngood bye") || len(text) > 4<<10 || len(text) < 4000 {
			t.Errorf("got a stack trace of %d bytes that ends with %.100q", len(text), text[max(0, len(text)-100):])
		}
	})
}

// A failure that the command reports itself is posted unchanged.
func TestE07OwnFailure(t *testing.T) {
	const own = `{"errorType": "Function.NoSuchCustomer", "errorMessage": "Customer \"7\" is unknown", "stackTrace": ["a", "b"]}`
	inEachWay(t, does, nil, func(t *testing.T, f *trial) {
		write(t, f.dir, "own", own+"\n", 0o644)
		for name, event := range map[string]string{
			"last line of stderr":           "echo working >&2; cat own >&2; exit 1",
			"stdout":                        "cat own; exit 1",
			"last line, and a blank one":    "cat own >&2; echo >&2; exit 75",
			"stderr wins over stdout":       `cat own >&2; echo '{"errorType": "Function.Other", "errorMessage": ""}'; exit 1`,
			"however the command has ended": "cat own >&2; exec sh -c 'kill -11 $$'",
		} {
			if f.kind().frames && name == "stdout" {
				continue // does not report that the host has ended
			}
			got := f.fails(t, event, "Function.NoSuchCustomer")
			if got.Message != `Customer "7" is unknown` || !slices.Equal(got.Stack, []string{"a", "b"}) {
				t.Errorf("%s: got %q, %q, want what the command said", name, got.Message, got.Stack)
			}
		}
		f.succeeds(t, "cat own", own+"\n")
		f.fails(t, `cat own >&2; echo "that was it" >&2; exit 1`, "Function.ExitError", "exit status 1")
		f.fails(t, `echo '{"errorType": "Function.Half"}' >&2; exit 1`, "Function.ExitError", "exit status 1")
		f.fails(t, `echo '{"errorType": "Function.Cut", "errorMessage": "' >&2; exit 1`, "Function.ExitError", "exit status 1")
	})
}

// badPrograms returns programs that cannot be started, each with its reason.
func badPrograms(t *testing.T) map[string]struct {
	text, want string
	mode       os.FileMode
} {
	elf, err := os.ReadFile(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	foreign := slices.Clone(elf[:4096])
	foreign[18], foreign[19] = 22, 0 // s390
	return map[string]struct {
		text, want string
		mode       os.FileMode
	}{
		"Windows line ends":      {"#!/bin/sh\r\necho ok\r\n", "CRLF", 0o755},
		"no #! line":             {"echo ok\n", "names its interpreter", 0o755},
		"another processor":      {string(foreign), "another processor", 0o755},
		"no such interpreter":    {"#!/opt/none/python\n", "/opt/none/python does not exist", 0o755},
		"not executable":         {"#!/bin/sh\n", "chmod +x", 0o644},
		"empty":                  {"", "is empty", 0o755},
		"a mark before its head": {"\ufeff#!/bin/sh\n", "byte order mark", 0o755},
	}
}

// Each reason why a program cannot start has a message of its own. It is
// reported at the start, or in the log if the platform has no call for that. A
// program for another processor is tried, because the kernel may have an
// emulator.
func TestE09BadPrograms(t *testing.T) {
	programs := badPrograms(t)
	delete(programs, "another processor")
	for name, test := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "tool", test.text, test.mode)
			cannotStart(t, emulator.Function{Handler: "tool", Dir: dir}, test.want)
		})
	}
	t.Run("a folder", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "tool"), 0o755); err != nil {
			t.Fatal(err)
		}
		cannotStart(t, emulator.Function{Handler: "tool", Dir: dir}, "is a folder")
	})
}

// cannotStart checks that bootstrap reports the reason of a failed start at once: to
// the platform if it has a call for that, else in the log.
func cannotStart(t *testing.T, fn emulator.Function, want string) {
	t.Helper()
	for _, p := range []*protocol.Platform{protocol.Lambda, protocol.SCF} {
		log := &locked.Buffer{}
		_, runner := start(t, p, fn, log)
		out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
		if err != nil || out.Kind != emulator.InitFailed {
			t.Errorf("%s: got %v %q, %v, want a failed start", p.Name, out.Kind, out.Body, err)
		}
		runner.Stop()
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: want %q in the log %q", p.Name, want, log)
		}
		var got posted
		if err := json.Unmarshal(out.Body, &got); p.InitError != "" && (err != nil || !strings.Contains(got.Message, want)) {
			t.Errorf("%s: want %q in the failure %q", p.Name, want, out.Body)
		}
	}
}

// A program that cannot be executed never gives a result, even if it was
// replaced after the start.
func TestE10FailedExec(t *testing.T) {
	for name, test := range badPrograms(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, "stdin", protocol.SCF, "echo ok", nil)
			f.succeeds(t, "{}", "ok\n")
			file := filepath.Join(f.dir, "tool")
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			write(t, f.dir, "tool", test.text, test.mode)
			if out := f.invoke(t, "{}"); out.Kind != emulator.Failure || !strings.Contains(string(out.Body), test.want) {
				t.Errorf("got %v %q, want a failure with %q", out.Kind, out.Body, test.want)
			}
		})
	}
}

// A handler that does not exist is reported at the start.
func TestE11BadHandler(t *testing.T) {
	dir := shellFunction(t, "true")
	for handler, want := range map[string]string{
		"":                   "no handler is set",
		"tool":               "not of the form file.function",
		"other.main_handler": "other.sh",
		"index.other":        "it defines: main_handler",
		"../tool":            "outside the code folder",
		"/bin/true":          "outside the code folder",
	} {
		t.Run(handler, func(t *testing.T) {
			t.Parallel()
			cannotStart(t, emulator.Function{Handler: handler, Dir: dir}, want)
		})
	}
}

// A failure reports every exit status. Some from 129 on stand for signals, as in
// shells.
func TestE12ExitStatuses(t *testing.T) {
	for i, way := range []string{"stdin", "function", "sh", "python", "node", "worker"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way, protocol.SCF, does, nil)
			f.succeeds(t, "exit 0", "")
			f.succeeds(t, "exit 256", "")
			for j, code := range []int{1, 2, 63, 64, 125, 126, 127, 128, 129, 137, 143, 192, 193, 255} {
				if !effort.HasTurn(i+j, 3) {
					continue
				}
				out := f.invoke(t, fmt.Sprint("exit ", code))
				number := fmt.Sprintf("exit status %d", code)
				if f.kind().trims && code > 128 && code <= 128+64 {
					number = fmt.Sprintf("signal %d ", code-128)
				}
				if out.Kind != emulator.Failure || !strings.Contains(string(out.Body), number) {
					t.Errorf("exit %d: got %v %s", code, out.Kind, out.Body)
				}
			}
		})
	}
}
