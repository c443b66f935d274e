package integration

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// The log of a command passes unchanged, in any format.
func TestL01Passthrough(t *testing.T) {
	const lines = `{"level":"info","message":"a \"b\" \u20ac €","n":1.50}` + "\n\x1b[31mred\x1b[0m\r\n\ttab\x00NUL\n\n"
	inFewWays(t, "cat lines >&2", nil, func(t *testing.T, f *trial) {
		write(t, f.dir, "lines", lines, 0o644)
		f.succeeds(t, "{}", "")
		if got := f.logged(t); got != lines {
			t.Errorf("got the log %q, want %q", got, lines)
		}
	})
}

// Every stream that is not the result is logged, including the streams of a
// command's children.
func TestL02EveryStream(t *testing.T) {
	for env, want := range map[string][]string{
		"BOOTSTRAP_RESULT=stdout": {"error", "error below"},
		"BOOTSTRAP_RESULT=fd3":    {"error", "error below", "output", "output below"},
	} {
		t.Run(env, func(t *testing.T) {
			const code = `echo output; echo error >&2; sh -c "echo output below; echo error below >&2"`
			inFewWays(t, code, []string{env}, func(t *testing.T, f *trial) {
				if out := f.invoke(t, "{}"); out.Kind != emulator.Result {
					t.Errorf("got %v %s", out.Kind, out.Body)
				}
				lines := strings.Split(strings.TrimSuffix(f.logged(t), "\n"), "\n")
				if len(lines) != len(want) {
					t.Errorf("got the log %q, want %q in any order", lines, want)
				}
			})
		})
	}
}

// The log is complete before the answer is posted, because the platform may
// freeze the sandbox after that.
func TestL03LogBeforeAnswer(t *testing.T) {
	for _, way := range fewWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			f := begin(t, way.name, protocol.SCF, `seq 20000 >&2; echo "end of $(event)" >&2`, nil)
			f.runner = emulator.NewRunner(f.server, runtimeCommand(), log, log)
			defer f.runner.Stop()
			for i := range 20 {
				f.invoke(t, fmt.Sprint(i))
				if text, err := os.ReadFile(log.Name()); err != nil || !strings.HasSuffix(string(text), fmt.Sprintf("\n20000\nend of %d\n", i)) {
					t.Fatalf("after the answer the log ends with %q, %v", text[max(0, len(text)-50):], err)
				}
			}
		})
	}
}

// A line of the command and a line of bootstrap never mix, even if the command
// has not finished its line.
func TestL06LinesApart(t *testing.T) {
	own := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\S+ \[(DEBUG|INFO|WARN|ERROR)\] `)
	inFewWays(t, `printf "no end of $(event)" >&2; [ "$(event)" != 2 ]`, []string{"BOOTSTRAP_LOG_LEVEL=debug"}, func(t *testing.T, f *trial) {
		for i := range 4 {
			f.invoke(t, fmt.Sprint(i))
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(f.logged(t), "\n"), "\n") {
			if !own.MatchString(line) && !regexp.MustCompile(`^no end of [0-3]$`).MatchString(line) {
				t.Errorf("got the line %q in the log", line)
			}
		}
	})
}

// secrets holds secrets of the platform, and of the user's event and variables.
var secrets = map[string]string{
	"X-Cff-Access-Key": "hidden01", "X-Cff-Secret-Key": "hidden02", "X-Cff-Security-Access-Key": "hidden03",
	"X-Cff-Security-Secret-Key": "hidden04", "X-Cff-Security-Token": "hidden05", "X-Cff-Auth-Token": "hidden06",
	"Authorization": "hidden07", "Cookie": "hidden08",
}

// No secret gets into the log or into a failure, at the most verbose level.
func TestL07NoSecrets(t *testing.T) {
	const passed = "BOOTSTRAP_PASS_CREDENTIALS=true"
	const code = `secret=hidden10; case $(event) in *fail) exit 3;; *kill) kill -9 0;; *large) head -c 7000000 /dev/zero;; *slow) sleep 60;; *empty) :;; *) echo ok;; esac`
	for _, way := range fewWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			env := []string{"BOOTSTRAP_LOG_LEVEL=debug", "PASSWORD=hidden09", "BOOTSTRAP_TIMEOUT=1s"}
			if way.has([]string{passed}) {
				env = append(env, passed)
			}
			f := begin(t, way.name, protocol.FunctionGraph, code, env)
			for _, behaviour := range []string{"succeed", "fail", "kill", "large", "slow", "empty", strings.Repeat("x", 200_000)} {
				out := f.invokeWithSecrets(t, "hidden11 "+behaviour)
				tellsNothing(t, string(out.Body))
			}
			tellsNothing(t, f.logged(t))
		})
	}
}

func (f *trial) invokeWithSecrets(t *testing.T, event string) emulator.Outcome {
	t.Helper()
	header := map[string][]string{}
	for name, secret := range secrets {
		header[name] = []string{secret}
	}
	out, err := f.runner.Invoke(t.Context(), emulator.Event{Body: f.kind().event(event), Header: header})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tellsNothing(t *testing.T, text string) {
	t.Helper()
	if at := strings.Index(text, "hidden"); at >= 0 {
		t.Errorf("the log shows a secret: %q", text[max(0, at-100):min(at+100, len(text))])
	}
}

// Credentials that come with an event reach the command only if an option says
// so, and never another event.
func TestL08Credentials(t *testing.T) {
	for _, way := range fewWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way.name, protocol.FunctionGraph, "env; cat /proc/$PPID/environ /proc/$PPID/cmdline | tr '\\0' '\\n'", nil)
			tellsNothing(t, string(f.invokeWithSecrets(t, "{}").Body))
			if way.ahead {
				return // it knows nothing about its event
			}
			f = begin(t, way.name, protocol.FunctionGraph, "env", []string{"BOOTSTRAP_PASS_CREDENTIALS=true"})
			got := string(f.invokeWithSecrets(t, "{}").Body)
			if !strings.Contains(got, "FUNCTION_ACCESS_KEY=hidden01\n") || !strings.Contains(got, "FUNCTION_AUTH_TOKEN=hidden06") {
				t.Errorf("want the credentials in the environment, got %q", got)
			}
			tellsNothing(t, string(f.invoke(t, "{}").Body))
		})
	}
}

// Output without a final newline is logged, too.
func TestL09PartialLine(t *testing.T) {
	inFewWays(t, `printf begun >&2; printf ", and no end" >&2`, nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "{}", "")
		if got := f.logged(t); got != "begun, and no end" {
			t.Errorf("got the log %q", got)
		}
	})
}

// Lines of many writers stay whole.
func TestL10ManyWriters(t *testing.T) {
	const code = `for id in $(seq 11 60); do for n in 1 2 3 4 5 6 7 8 9 10; do echo "$id$id$id$id$id$id$id$id" >&2; done & done; wait`
	inFewWays(t, code, nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "{}", "")
		lines := strings.Split(strings.TrimSuffix(f.logged(t), "\n"), "\n")
		if len(lines) != 500 {
			t.Errorf("got %d lines, want 500", len(lines))
		}
		for _, line := range lines {
			if len(line) != 16 || strings.Repeat(line[:2], 8) != line {
				t.Errorf("got the line %q", line)
			}
		}
	})
}

// A log that nobody reads for a while does not delay answers. When the reader
// continues, a line counts the bytes that are missing.
func TestL11StalledLog(t *testing.T) {
	for _, way := range fewWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			f := begin(t, way.name, protocol.SCF, "head -c 3000000 /dev/zero >&2; echo >&2; echo ok", []string{"BOOTSTRAP_LOG_LEVEL=info"})
			f.runner = emulator.NewRunner(f.server, runtimeCommand(), w, w)
			f.succeeds(t, "{}", "ok\n")
			f.succeeds(t, "{}", "ok\n")
			if text := readLog(t, r, w, f.runner); !strings.Contains(text, "\nbootstrap: dropped ") || !strings.HasSuffix(text, "bootstrap: stopped: platform=scf\n") && !strings.HasSuffix(text, "bootstrap: stopped\n") {
				t.Errorf("got a log of %d bytes that ends with %q, want a line that counts dropped bytes", len(text), text[max(0, len(text)-300):])
			}
		})
	}
}

// readLog reads some of what is in the pipe, then stops the runtime and reads on.
func readLog(t *testing.T, r, w *os.File, runner *emulator.Runner) string {
	t.Helper()
	first := make([]byte, 32<<10)
	if _, err := io.ReadFull(r, first); err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte)
	go func() { // ends when w is closed everywhere
		text, _ := io.ReadAll(r)
		read <- text
	}()
	runner.Stop()
	w.Close()
	return string(first) + string(<-read)
}

// The log writes the bytes that it holds for a slow reader before the program
// exits.
func TestLogLateReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := begin(t, "stdin", protocol.SCF, "head -c 300000 /dev/zero >&2; echo end >&2; echo ok", []string{"BOOTSTRAP_LOG_LEVEL=info"})
	f.runner = emulator.NewRunner(f.server, runtimeCommand(), w, w)
	f.succeeds(t, "{}", "ok\n")
	text := readLog(t, r, w, f.runner)
	if at := strings.Index(text, "end\n"); at < 300_000 || strings.Contains(text, "dropped") || !strings.Contains(text[at:], "stopped") {
		t.Errorf("got a log of %d bytes that ends with %q, want all", len(text), text[max(0, len(text)-300):])
	}
}
