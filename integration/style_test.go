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

// styles holds the styles that show the event of a line.
var styles = map[string]struct {
	env   string
	lines func(*testing.T, string) []logLine
}{
	"prefix": {"BOOTSTRAP_LOG_PREFIX=true", func(_ *testing.T, log string) []logLine { return prefixed(log) }},
	"json":   {"BOOTSTRAP_LOG_FORMAT=json", inJSON},
}

// inEachStyle runs a test in few ways, in both styles. Lines that a script logs
// while it is loaded, or before its event, belong to no event.
func inEachStyle(t *testing.T, code string, test func(t *testing.T, f *trial, lines func() []logLine)) {
	for name, style := range styles {
		t.Run(name, func(t *testing.T) {
			inFewWays(t, code, []string{style.env}, func(t *testing.T, f *trial) {
				read := f.logsToFile(t)
				test(t, f, func() []logLine { return style.lines(t, read()) })
			})
		})
	}
}

// logsToFile logs to a file, which has each line as soon as it is written. The
// runtime is stopped at the end of the test.
func (f *trial) logsToFile(t *testing.T) (read func() string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	f.runner = emulator.NewRunner(f.server, runtimeCommand(), log, log)
	t.Cleanup(func() {
		f.runner.Stop()
		log.Close()
	})
	return func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
}

// Each line has the id of its event, and is logged before the answer is posted,
// even an incomplete line.
func TestL05EachLine(t *testing.T) {
	const code = `n=$(event); echo "first of $n" >&2; (echo "below $n" >&2); seq 2000 >&2; printf "half of $n" >&2; case $n in 3) exit 3;; 4) kill -9 0;; esac`
	inEachStyle(t, code, func(t *testing.T, f *trial, lines func() []logLine) {
		for i := range 6 {
			before := len(lines())
			out := f.invoke(t, fmt.Sprint(i))
			got := lines()[before:]
			want := []string{fmt.Sprint("first of ", i), fmt.Sprint("below ", i), fmt.Sprint("half of ", i)}
			var has []string
			for _, line := range got {
				if line.id != out.ID {
					t.Errorf("got the line %+v, want the id %s", line, out.ID)
				}
				if strings.Contains(line.message, "of ") || strings.Contains(line.message, "below") {
					has = append(has, line.message)
				}
			}
			if len(got) != 2003 || !slices.Equal(has, want) {
				t.Errorf("event %d: got %d lines with %q, want 2003 with %q", i, len(got), has, want)
			}
		}
	})
}

// Lines before the first event, and between events, have no id.
func TestL05NoEvent(t *testing.T) {
	for name, style := range styles {
		for _, row := range []struct{ file, code string }{
			{"index.sh", "echo begun >&2\nprintf half >&2\nmain_handler() { echo called >&2; }\n"},
			{"index.py", "import sys\nprint('begun')\nsys.stdout.write('half')\nsys.stdout.flush()\ndef main_handler(event, context):\n    sys.stderr.write('called\\n')\n"},
			{"index.js", "console.log('begun');\nprocess.stdout.write('half');\nexports.main_handler = async () => console.error('called');\n"},
		} {
			t.Run(name+" "+row.file, func(t *testing.T) {
				t.Parallel()
				dir, log := t.TempDir(), &locked.Buffer{}
				write(t, dir, row.file, row.code, 0o644)
				_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: patience,
					Env: []string{style.env, "BOOTSTRAP_LOG_LEVEL=error"}}, log)
				out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
				if err != nil || out.Kind != emulator.Result {
					t.Fatalf("got %v %s, %v", out.Kind, out.Body, err)
				}
				runner.Stop()
				got := map[string]string{} // the id of each message
				for line := range strings.Lines(log.String()) {
					for _, l := range style.lines(t, line) {
						message := strings.TrimSpace(l.id + " " + l.message)
						if name == "prefix" && l.id != out.ID || l.id == "" {
							got[message] = ""
							continue
						}
						got[l.message] = l.id
					}
				}
				for message, id := range map[string]string{"begun": "", "half": "", "called": out.ID} {
					if has, ok := got[message]; !ok || has != id {
						t.Errorf("%s: got the id %q, want %q: %s", message, has, id, log)
					}
				}
			})
		}
	}
}

// A stack trace is one record, in JSON.
func TestL04StackTrace(t *testing.T) {
	for _, row := range []struct {
		file, code, begins string
		within             []string
	}{
		{"index.py", "def deep(n):\n    if n: return deep(n - 1)\n    raise ValueError('no such customer')\ndef main_handler(event, context):\n    print('before')\n    deep(3)\n",
			"Traceback (most recent call last):", []string{"in main_handler", "in deep", "ValueError: no such customer"}},
		{"index.py", "def deep():\n    try: {}['name']\n    except KeyError as e: raise ValueError('no such customer') from e\ndef main_handler(event, context):\n    print('before')\n    try: deep()\n    except ValueError: raise RuntimeError('sorry')\n",
			"Traceback (most recent call last):", []string{"KeyError: 'name'\n\nThe above", "ValueError: no such customer\n\nDuring", "in main_handler", "in deep", "RuntimeError: sorry"}},
		{"index.js", "function deep(n) { if (n) return deep(n - 1); throw new RangeError('no such customer'); }\nexports.main_handler = async () => { console.log('before'); deep(3); };\n",
			"RangeError: no such customer", []string{"at deep", "main_handler"}},
		{"index.js", "console.log('x'); exports.main_handler = async () => { console.log('before'); try { JSON.parse('{'); } catch (e) { throw new Error('cannot read it', { cause: e }); } };\n",
			"Error: cannot read it", []string{"main_handler", "cause", "SyntaxError"}},
		{"index.sh", "main_handler() { echo before >&2; printf 'Exception in thread \"main\" java.lang.IllegalStateException: x\\n\\tat A.b(A.java:1)\\n\\tat A.c(A.java:2)\\nCaused by: java.io.IOException: y\\n\\tat B.d(B.java:3)\\n\\t... 2 more\\n' >&2; exit 3; }\n",
			"Exception in thread", []string{"at A.b", "Caused by: java.io.IOException: y", "2 more"}},
	} {
		t.Run(row.file+" "+row.begins, func(t *testing.T) {
			t.Parallel()
			dir, log := t.TempDir(), &locked.Buffer{}
			write(t, dir, row.file, row.code, 0o644)
			_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: patience,
				Env: []string{"BOOTSTRAP_LOG_FORMAT=json", "BOOTSTRAP_LOG_LEVEL=error"}}, log)
			for range 3 {
				if out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")}); err != nil || out.Kind != emulator.Failure {
					t.Fatalf("got %v %s, %v", out.Kind, out.Body, err)
				}
			}
			runner.Stop()
			traces, before := 0, 0
			for _, line := range inJSON(t, log.String()) {
				switch {
				case line.message == "before":
					before++
				case strings.HasPrefix(line.message, row.begins):
					traces++
					for _, part := range row.within {
						if !strings.Contains(line.message, part) {
							t.Errorf("got the record %q, want %q in it", line.message, part)
						}
					}
				case line.message != "x":
					t.Errorf("got the record %q beside the trace", line.message)
				}
			}
			if errors := strings.Count(log.String(), `"errorMessage":`); errors != 3 && row.file != "index.sh" {
				t.Errorf("got %d errors with a message of their own, want 3: %s", errors, log)
			}
			if traces != 3 || before != 3 {
				t.Errorf("got %d traces and %d lines before them, want 3: %s", traces, before, log)
			}
		})
	}
}

// The reason of a failed start is one record, too.
func TestStyleOfFailedStart(t *testing.T) {
	for name, row := range map[string]struct{ env, reason string }{
		"init command":  {"BOOTSTRAP_INIT_COMMAND=echo 'no such licence' >&2; exit 3", "no such licence"},
		"configuration": {"BOOTSTRAP_LEFTOVERS=kill", "expected end or keep"},
	} {
		t.Run(name, func(t *testing.T) {
			somewhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				c := newCrew(t, p, named("function").function(t, "echo ok"), "", "BOOTSTRAP_LOG_FORMAT=json", row.env)
				runner := emulator.NewRunner(c.server, runtimeCommand(), &c.stdout, &c.stderr)
				defer runner.Stop()
				if out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")}); err != nil || out.Kind != emulator.InitFailed {
					t.Errorf("got %v %q, %v, want a failed start", out.Kind, out.Body, err)
				}
				log := c.stderr.String()
				inJSON(t, log)
				tells(t, log, row.reason)
			})
		})
	}
}

// TestStyleMerged checks that a line with a JSON object stays an object and
// gets the missing keys. A line that only resembles an object is a message.
func TestStyleMerged(t *testing.T) {
	const lines = `{"level":"warn","message":"a \"b\" €","n":1.50,"nested":{"x":[1,2]}}` + "\n" + `{}` + "\n" + `{"requestId":"mine"}` + "\n" + `{"half":` + "\n" + `[1,2]` + "\n" + `{"a":1} {"b":2}` + "\n" + "no\xff UTF-8 \x1b[31m\n"
	inFewWays(t, "cat lines >&2", []string{"BOOTSTRAP_LOG_FORMAT=json"}, func(t *testing.T, f *trial) {
		write(t, f.dir, "lines", lines, 0o644)
		out := f.succeeds(t, "{}", "")
		var got []map[string]any
		for line := range strings.Lines(f.logged(t)) {
			var record map[string]any
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				t.Fatalf("got %q: %v", line, err)
			}
			got = append(got, record)
		}
		if len(got) != 7 {
			t.Fatalf("got %d records, want 7: %v", len(got), got)
		}
		for i, want := range []map[string]any{
			{"level": "warn", "message": "a \"b\" €", "n": 1.5, "requestId": out.ID, "stream": "stderr"},
			{"level": "info", "requestId": out.ID}, {"requestId": "mine"},
			{"message": `{"half":`}, {"message": "[1,2]"}, {"message": `{"a":1} {"b":2}`}, {"message": "no\uFFFD UTF-8 \x1b[31m"},
		} {
			for key, value := range want {
				if got[i][key] != value {
					t.Errorf("got the record %v, want %s %v", got[i], key, value)
				}
			}
			if _, ok := got[i]["timestamp"].(string); !ok {
				t.Errorf("got the record %v, want a timestamp", got[i])
			}
		}
	})
}

// When the answer is posted, the log file has all lines of the event, because
// the sandbox may be frozen after that.
func TestL03InEachStyle(t *testing.T) {
	for name, style := range styles {
		for _, way := range fewWays {
			t.Run(name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				f := begin(t, way.name, protocol.SCF, `seq 5000 >&2; printf "  end of $(event)" >&2`, []string{style.env})
				read := f.logsToFile(t)
				for i := range effort.Repeats(10) {
					out := f.invoke(t, fmt.Sprint(i))
					all := style.lines(t, read())
					if last := all[len(all)-1]; last.id != out.ID || !strings.HasSuffix(last.message, fmt.Sprintf("  end of %d", i)) {
						t.Fatalf("after the answer to %s the log ends with %+v", out.ID, last)
					}
				}
			})
		}
	}
}

// A stalled reader of the log does not keep an event from its answer. When it reads
// again, each line is whole, and a line counts the dropped bytes.
func TestL11InEachStyle(t *testing.T) {
	for name, style := range styles {
		for _, way := range fewWays {
			t.Run(name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				f := begin(t, way.name, protocol.SCF, "seq 400000 >&2; printf half >&2; echo ok", []string{style.env, "BOOTSTRAP_LOG_LEVEL=info"})
				f.runner = emulator.NewRunner(f.server, runtimeCommand(), w, w)
				for range effort.Repeats(3) {
					if out := f.succeeds(t, "{}", "ok\n"); out.Duration > 20e9 {
						t.Errorf("the answer took %v", out.Duration)
					}
				}
				text := readLog(t, r, w, f.runner)
				if strings.Count(text, "dropped ") == 0 {
					t.Errorf("got a log of %d bytes that ends with %q, want a line that counts dropped bytes", len(text), text[max(0, len(text)-300):])
				}
				for line := range strings.Lines(text) {
					if name == "json" && !json.Valid([]byte(line)) {
						t.Errorf("got the line %.300q, want JSON", line)
					}
				}
			})
		}
	}
}
