package adapters

import (
	"encoding/json"
	"net/textproto"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// The functions in this file run rows of code in one language, and check what the
// hosts of all languages must do.

// module is the configuration of a function main_handler in a module, which is
// one of the files.
func module(t *testing.T, interpreter string, fs files) (setup, *hook) {
	t.Helper()
	if _, err := exec.LookPath(interpreter); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	c, log := config(t, fs), &hook{}
	c.Handler, c.Stdout, c.Stderr = "index.main_handler", log, log
	return c, log
}

func python(t *testing.T, text string) (setup, *hook) {
	t.Helper()
	return module(t, "python3", files{"index.py": text})
}

func node(t *testing.T, text string) (setup, *hook) {
	t.Helper()
	return module(t, "node", files{"index.js": text})
}

// quoted is a text as an event.
func quoted(text string) string {
	b, _ := json.Marshal(text) // a string: cannot fail
	return string(b)
}

// raises checks the failure of an event: its type may be any name of a class.
func raises(t *testing.T, a supervisor.Adapter, body, kind, message string) *protocol.Failure {
	t.Helper()
	result, err := a.Invoke(t.Context(), newEvent(body))
	if err == nil {
		t.Fatalf("event %s: got the result %s, want %s: %s", short(body), short(string(result)), kind, message)
	}
	f, ok := err.(*protocol.Failure)
	if !ok || f.Type != kind || !strings.Contains(f.Message, message) {
		t.Fatalf("event %s: got %.1000v, want %s: …%s…", short(body), err, kind, message)
	}
	if size := len(f.JSON()); size > maxHeader {
		t.Errorf("failure: got %d bytes", size)
	}
	wantOwnFrames(t, f)
	return f
}

// wantOwnFrames checks that a stack has only frames of the function.
func wantOwnFrames(t *testing.T, f *protocol.Failure) {
	t.Helper()
	stack := strings.Join(f.Stack, "\n")
	for _, internal := range []string{`"<string>", line `, "importlib", "asyncio/", "[eval", "node:"} {
		if strings.Contains(stack, internal) {
			t.Errorf("stack: got frames that are not the function's: %s", stack)
		}
	}
}

// An evaluation is code for a function that does what its event says.
type evaluation struct {
	name, code string
	kind       string // of its failure; empty: a result; either: a failure or not
	want       string // the result, or a part of the message; ignored: any result
}

const (
	either  = "either"
	ignored = "ignored"
)

// checkEvaluations lets one host serve all rows. The function has its own pid in
// the answer to "".
func checkEvaluations(t *testing.T, c setup, rows []evaluation) {
	t.Helper()
	a := start(t, c)
	pid, _ := invoke(t, a, `""`)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			switch {
			case row.kind == either:
				_, _ = a.Invoke(t.Context(), newEvent(quoted(row.code)))
			case row.kind != "":
				raises(t, a, quoted(row.code), row.kind, row.want)
			case row.want != ignored:
				succeeds(t, a, quoted(row.code), row.want)
			default:
				if _, failure := invoke(t, a, quoted(row.code)); failure != nil {
					t.Error(failure)
				}
			}
			succeeds(t, a, `""`, pid)
		})
	}
}

// checkEnds checks rows that end the host: each fails its event, with the reason,
// and the next event has a new host.
func checkEnds(t *testing.T, c setup, check func(t *testing.T, a supervisor.Adapter, body, kind, message string) *protocol.Failure, rows []evaluation) {
	t.Helper()
	a := start(t, c)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			before, _ := invoke(t, a, `""`)
			check(t, a, quoted(row.code), row.kind, row.want)
			if after, failure := invoke(t, a, `""`); failure != nil || after == before {
				t.Errorf("got %s, %v", after, failure)
			}
		})
	}
}

// checkLogs checks that the log contains what a row expects as soon as the answer
// arrives. The answer is the same for all rows.
func checkLogs(t *testing.T, c setup, log *hook, answer, prefix string, rows []evaluation) {
	t.Helper()
	a := start(t, c)
	for _, row := range rows {
		t.Run(prefix+row.name, func(t *testing.T) {
			log.Reset()
			succeeds(t, a, quoted(row.code), answer)
			if got := log.String(); got != row.want {
				t.Errorf("log: got %s, want %s", short(got), short(row.want))
			}
		})
	}
}

// A loading is a module that is loaded, and its answers.
type loading struct {
	name, handler string // empty: index.main_handler
	files         files
	environ       []string
	event, want   string
}

// checkLoads starts a host for each row, which serves its event some times.
func checkLoads(t *testing.T, interpreter string, times int, rows []loading) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, _ := module(t, interpreter, row.files)
			if row.handler != "" {
				c.Handler = row.handler
			}
			c.Environ = append(c.Environ, row.environ...)
			a := start(t, c)
			for range times {
				succeeds(t, a, row.event, row.want)
			}
		})
	}
}

// A refusal is a module that cannot be loaded.
type refusal struct {
	name       string
	files      files
	kind, want string
}

func checkRefusals(t *testing.T, interpreter string, rows []refusal) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, _ := module(t, interpreter, row.files)
			err := c.adapter().Start(t.Context())
			wantFailure(t, err, row.kind, row.want)
			wantOwnFrames(t, err.(*protocol.Failure))
			noneLeft(t)
		})
	}
}

// A fact is an expression about the context c of an event, and its value.
type fact struct {
	name       string
	platform   *protocol.Platform
	header     textproto.MIMEHeader
	environ    []string
	code, want string
}

// checkFacts checks rows against a function that evaluates its event. Rows on the
// same platform with the same variables share a host.
func checkFacts(t *testing.T, language func(*testing.T, string) (setup, *hook), function string, rows []fact) {
	t.Helper()
	hosts := map[string]supervisor.Adapter{}
	for _, row := range rows {
		key := row.platform.Name + strings.Join(row.environ, "\n")
		if hosts[key] == nil {
			c, _ := language(t, function)
			c.Platform, c.PassCredentials = row.platform, true
			c.adopt(row.environ)
			hosts[key] = start(t, c)
		}
		t.Run(row.name, func(t *testing.T) {
			ev := newEvent(quoted(row.code))
			ev.Header = row.header
			if got, failure := invokeEvent(t, hosts[key], ev); failure != nil || got != row.want {
				t.Errorf("got %s, %v, want %s", got, failure, row.want)
			}
		})
	}
}

// checkNames checks the values of names in a context. The function returns an
// object of those that its event lists.
func checkNames(t *testing.T, c setup, p *protocol.Platform, environ []string, want map[string]any) {
	t.Helper()
	c.Platform, c.PassCredentials = p, true
	c.adopt(environ)
	var names []string
	for name := range want {
		names = append(names, name)
	}
	ev := newEvent("")
	ev.Body, _ = json.Marshal(names) // strings: cannot fail
	ev.Header = textproto.MIMEHeader{
		"Lambda-Runtime-Invoked-Function-Arn": {"arn:aws:x"},
		"Memory_limit_in_mb":                  {"64"},
		"X-Cff-Access-Key":                    {"secret-access"},
		"X-Cff-Secret-Key":                    {"secret-key"},
		"X-Cff-Auth-Token":                    {"secret-token"},
	}
	text, failure := invokeEvent(t, start(t, c), ev)
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, %v, want %v", text, failure, want)
	}
}

// checkEvents checks how a function that returns its event gets it.
func checkEvents(t *testing.T, a supervisor.Adapter, more map[string]string, bad ...string) {
	t.Helper()
	for event, want := range map[string]string{
		"":                      "null",
		"null":                  "null",
		" [1, 2] \n":            "[1,2]",
		"\ufeff{}":              "{}",
		`"\ud83d\ude00 \udc80"`: `"😀 \udc80"`,
		`"a\nb"`:                `"a\nb"`,
	} {
		succeeds(t, a, event, want)
	}
	for event, want := range more {
		succeeds(t, a, event, want)
	}
	for _, event := range append(bad, "{", "\xff", "{}{}", "\x00", "\ufeff", " ") {
		fails(t, a, event, "Runtime.UnmarshalError", "the event is not JSON: ")
	}
	succeeds(t, a, "1", "1")
}

// checkTimeouts lets each row's code time out as soon as it has logged "go".
func checkTimeouts(t *testing.T, c setup, log *hook, one string, codes ...string) {
	t.Helper()
	a := start(t, c)
	for _, code := range codes {
		timeUp(t, a, quoted(code), log, patience)
		succeeds(t, a, quoted(one), "1")
	}
}

// checkTerminal checks a function that logs 世界 and returns which of stdout,
// stderr and stdin are terminals.
func checkTerminal(t *testing.T, c setup, log *hook) {
	t.Helper()
	c.PTY = true
	succeeds(t, start(t, c), "", "[true,true,false]")
	if got := strings.ReplaceAll(log.String(), "\r", ""); got != "世界\n" {
		t.Errorf("log: got %q", got)
	}
}

// An ending is a module, and what its end logs when the runtime stops.
type ending struct{ name, text, want string }

func checkEndings(t *testing.T, language func(*testing.T, string) (setup, *hook), rows []ending) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, log := language(t, row.text)
			a := start(t, c)
			succeeds(t, a, "", "null")
			began := time.Now()
			if err := a.Close(patience); err != nil || log.String() != row.want || time.Since(began) > patience/4 {
				t.Errorf("got %v after %v and the log %q, want %q", err, time.Since(began), log, row.want)
			}
		})
	}
}
