package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/locked"

	"github.com/hashicorp/go-hclog"
)

// timestamps matches the parts of a log that differ from run to run.
var timestamps = regexp.MustCompile(`"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)

// records returns the lines of a log with T for timestamps. They must be JSON.
func records(t *testing.T, log string) string {
	t.Helper()
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) || !strings.HasSuffix(line, "}\n") {
			t.Errorf("got %.200q, want an object", line)
		}
	}
	return timestamps.ReplaceAllString(log, "T")
}

// logged returns the records that a command's writes to stderr become, in an event
// with the id "id".
func logged(t *testing.T, writes ...string) string {
	t.Helper()
	var got bytes.Buffer
	_, command := newTestLog(&got, Style{JSON: true})
	stream := command.Stream("stderr")
	command.Begin("id", time.Time{})
	for _, text := range writes {
		fmt.Fprint(stream, text)
	}
	command.Flush()
	return records(t, got.String())
}

// Each line becomes a message, and the lines of a stack trace become one message.
func TestRecords(t *testing.T) {
	const traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1\n    f()\nValueError: no\n"
	long := strings.Repeat("x", maxLine)
	for _, test := range []struct {
		name     string
		writes   []string
		messages []string
	}{
		{"nothing", []string{""}, nil},
		{"a line", []string{"one\n"}, []string{"one"}},
		{"no end", []string{"one"}, []string{"one"}},
		{"lines", []string{"one\ntw", "o\n\nfour"}, []string{"one", "two", "", "four"}},
		{"CRLF", []string{"one\r\ntwo\r", "\nthr\ree\r\n"}, []string{"one", "two", "thr\ree"}},
		{"what JSON escapes", []string{"\"\\\x00\x1f\x7f\t\b<&>é€😀\u2028\n"}, []string{"\"\\\x00\x1f\x7f\t\b<&>é€😀\u2028"}},
		{"no UTF-8", []string{"a\xffb\xc3\n"}, []string{"a\uFFFDb\uFFFD"}},
		{"a trace", []string{"Error: no\n    at a\n", "\tat b\n", "Caused by: x\n\tat c\nnext\n"}, []string{"Error: no\n    at a\n\tat b\nCaused by: x\n\tat c", "next"}},
		{"what Node shows", []string{"Error: no\n    at a {\n  [cause]: x\n}\n{\n  a: 1\n}\n[\n  1\n]\n}\n"}, []string{"Error: no\n    at a {\n  [cause]: x\n}", "{\n  a: 1\n}", "[\n  1\n]", "}"}},
		{"a trace without an end", []string{"Error: no\n    at a"}, []string{"Error: no\n    at a"}},
		{"a trace without a beginning", []string{"  at a\n  at b\n"}, []string{"  at a\n  at b"}},
		{"Python's", []string{traceback + "next\n"}, []string{strings.TrimSuffix(traceback, "\n"), "next"}},
		{"Python's twice", []string{traceback + traceback}, []string{strings.TrimSuffix(traceback, "\n"), strings.TrimSuffix(traceback, "\n")}},
		{"Python's with a blank line", []string{traceback + "\nnext\n\n"}, []string{strings.TrimSuffix(traceback, "\n"), "next", ""}},
		{"Python's with its cause", []string{traceback + "\n" + pythonCause + "\n\n" + traceback + "\n" + pythonContext + "\n\n" + traceback + "next\n"},
			[]string{traceback + "\n" + pythonCause + "\n\n" + traceback + "\n" + pythonContext + "\n\n" + strings.TrimSuffix(traceback, "\n"), "next"}},
		{"two that end alike", []string{"a\n b\na\n b\n"}, []string{"a\n b", "a\n b"}},
		{"too long", []string{long + "y\n"}, []string{long, "y"}},
		{"too many lines", []string{"a\n " + long[:40_000] + "\n " + long[:40_000] + "\n"}, []string{"a\n " + long[:40_000], " " + long[:40_000]}},
		{"an object that is none", []string{`{"a":}` + "\n", "[1]\n", "{\n", "{}x\n"}, []string{`{"a":}`, "[1]", "{", "{}x"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := logged(t, test.writes...)
			var messages []string
			for line := range strings.Lines(got) {
				var record struct{ Message string }
				if err := json.Unmarshal([]byte(strings.Replace(line, "T", `"t":0`, 1)), &record); err != nil {
					t.Fatal(err)
				}
				messages = append(messages, record.Message)
				if head := `{T,"level":"info","requestId":"id","stream":"stderr","message":"`; !strings.HasPrefix(line, head) {
					t.Errorf("got %.200q, want it to begin with %q", line, head)
				}
			}
			if fmt.Sprintf("%q", messages) != fmt.Sprintf("%q", test.messages) {
				t.Errorf("got %.300q, want %.300q", messages, test.messages)
			}
		})
	}
}

// A line that is a JSON object keeps its keys and gets those that it lacks.
func TestRecordMerged(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{`{"n":1.50,"big":12345678901234567890, "s":"\u00e9é"}`, `{T,"level":"info","requestId":"id","stream":"stderr","n":1.50,"big":12345678901234567890, "s":"\u00e9é"}`},
		{`{}`, `{T,"level":"info","requestId":"id","stream":"stderr"}`},
		{" { \"a\" : { \"level\" : 1 } } \r", `{T,"level":"info","requestId":"id","stream":"stderr", "a" : { "level" : 1 } }`},
		{`{"level":"error","message":"m"}`, `{T,"requestId":"id","stream":"stderr","level":"error","message":"m"}`},
		{`{"message":"m","stream":null,"requestId":7,"timestamp":0,"level":""}`, `{"message":"m","stream":null,"requestId":7,"timestamp":0,"level":""}`},
		{"{\"s\":\"a\xffb\"}", `{T,"level":"info","requestId":"id","stream":"stderr","s":"a` + "\uFFFD" + `b"}`},
	} {
		if got := logged(t, test.line+"\n"); got != test.want+"\n" {
			t.Errorf("%s: got %s, want %s", test.line, got, test.want)
		}
	}
	got := logged(t, "text\n{\"a\":1}\n{\"a\":2}\n more\n")
	if want := `T,"level":"info","requestId":"id","stream":"stderr",`; strings.ReplaceAll(got, want, "") != `{"message":"text"}`+"\n"+`{"a":1}`+"\n"+`{"a":2}`+"\n"+`{"message":" more"}`+"\n" {
		t.Errorf("among others: got %s", got)
	}
}

// Each stream and each sidecar has records of its own.
func TestRecordStreams(t *testing.T) {
	var got bytes.Buffer
	log, command := newTestLog(&got, Style{JSON: true})
	stdout, stderr, sidecar := command.Stream("stdout"), command.Stream("stderr"), log.Source("proxy").Stream("stdout")
	fmt.Fprint(stdout, "one\n")
	fmt.Fprint(stderr, "two\n")
	fmt.Fprint(sidecar, "three\n")
	command.Begin("id", time.Time{})
	fmt.Fprint(stdout, " four\n")
	log.Close(0, 0)
	if got, want := records(t, got.String()), `{T,"level":"info","stream":"stdout","message":"one"}
{T,"level":"info","stream":"stderr","message":"two"}
{T,"level":"info","requestId":"id","stream":"stdout","message":" four"}
{T,"level":"info","stream":"stdout","sidecar":"proxy","message":"three"}
`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A record does not wait long for more lines, in an event or without one.
func TestRecordExpires(t *testing.T) {
	var got locked.Buffer
	log := NewLog(&got, Style{JSON: true})
	stream := log.Source("proxy").Stream("stderr")
	for n := range 3 {
		fmt.Fprint(stream, "line\n  more\nhalf")
		within(t, "the record is logged", func() bool { return strings.Count(got.String(), `line\n  more"}`) == n+1 })
		fmt.Fprint(stream, "\n")
	}
}

// Our own lines are records that keep their keys and values.
func TestRecordOwn(t *testing.T) {
	var got bytes.Buffer
	log, _ := newTestLog(&got, Style{JSON: true})
	own := log.Logger(hclog.Info)
	own.Debug("not this one")
	own.Info("ready <now>", "took", "<1s>", "pids", []int{1, 2})
	own.With("platform", "scf").Error("failed", "request_id", "id", "error", fmt.Errorf("a\n\"b\""))
	own.Warn("left", "pid", 7, "keep", true, "how", 2*time.Second)
	if got, want := records(t, got.String()), `{T,"level":"info","stream":"bootstrap","message":"ready <now>","took":"<1s>","pids":[1,2]}
{T,"level":"error","requestId":"id","stream":"bootstrap","message":"failed","platform":"scf","error":"a\n\"b\""}
{T,"level":"warn","stream":"bootstrap","message":"left","pid":7,"keep":true,"how":"2s"}
`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
