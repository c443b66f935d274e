package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// newTestLog returns a log that never stops to wait for more lines of a record, and
// the source of a command.
func newTestLog(to io.Writer, style Style) (*Log, *Source) {
	log := NewLog(to, style)
	log.hold = time.Hour
	return log, log.Source("")
}

// Our lines and those of a sidecar begin on a line of their own, even if the
// command has left one open. The command's bytes are unchanged.
func TestLogLines(t *testing.T) {
	var got bytes.Buffer
	log, command := newTestLog(&got, Style{})
	stderr, sidecar := command.Stream("stderr"), log.Source("proxy").Stream("stdout")
	for _, text := range []string{"one\n", "tw", "", "o\x00\xff\r\n", "\n", "no end"} {
		fmt.Fprint(stderr, text)
	}
	fmt.Fprint(ownText{log}, "ours\n")
	fmt.Fprint(ownText{log}, "ours too\n")
	fmt.Fprint(stderr, "half")
	fmt.Fprint(sidecar, "its\nown")
	fmt.Fprint(stderr, " a line\n")
	fmt.Fprint(sidecar, " line\n")
	fmt.Fprint(stderr, "last\n")
	if want := "one\ntwo\x00\xff\r\n\nno end\nours\nours too\nhalf\nproxy | its\n a line\nproxy | own line\nlast\n"; got.String() != want {
		t.Errorf("got %q, want %q", &got, want)
	}
}

// Every line of an event begins with the event's id, once.
func TestLogPrefix(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, test := range []struct {
		name   string
		writes []string // in the event id
		want   string
	}{
		{"a line", []string{"one\n"}, "id one\n"},
		{"an empty line", []string{"\n"}, "id \n"},
		{"lines in one write", []string{"one\ntwo\nthree\n"}, "id one\nid two\nid three\n"},
		{"a line in several writes", []string{"o", "n", "e", "\ntw", "o\n"}, "id one\nid two\n"},
		{"no end", []string{"one\ntw", "o"}, "id one\nid two\n"},
		{"nothing", []string{"", ""}, ""},
		{"CRLF", []string{"one\r", "\n\r\n"}, "id one\r\nid \r\n"},
		{"a NUL, no UTF-8", []string{"\x00\xff\xfe\n"}, "id \x00\xff\xfe\n"},
		{"JSON", []string{`{"n":1.50, "s":"é"}` + "\n"}, `id {"n":1.50, "s":"é"}` + "\n"},
		{"a trace", []string{"Error\n\tat a\n"}, "id Error\nid \tat a\n"},
		{"as long as can be", []string{long, "\n"}, "id " + long + "\n"},
		{"too long", []string{long + "y\nz\n"}, "id " + long + "\nid y\nid z\n"},
		{"too long, without an end", []string{long, "y"}, "id " + long + "\nid y\n"},
		{"too long by far", []string{"a" + long + long}, "id a" + long[1:] + "\nid " + long + "\nid x\n"},
		{"too long, in a character", []string{long[1:] + "é\n"}, "id " + long[1:] + "\nid é\n"},
		{"too long, in a character in two writes", []string{long[1:] + "\xc3", "\xa9\n"}, "id " + long[1:] + "\nid é\n"},
		{"too long, and no UTF-8", []string{strings.Repeat("\x80", maxLine+1)}, "id " + strings.Repeat("\x80", maxLine) + "\nid \x80\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got bytes.Buffer
			_, command := newTestLog(&got, Style{Prefix: true})
			stream := command.Stream("stderr")
			command.Begin("id", time.Time{})
			for _, text := range test.writes {
				fmt.Fprint(stream, text)
			}
			command.Flush()
			if got.String() != test.want {
				t.Errorf("got %.200q, want %.200q", &got, test.want)
			}
		})
	}
}

// Lines that are logged before, between and after events have no id, and no line
// has the id of another event.
func TestLogEvents(t *testing.T) {
	var got bytes.Buffer
	log, command := newTestLog(&got, Style{Prefix: true})
	stdout, stderr, sidecar := command.Stream("stdout"), command.Stream("stderr"), log.Source("proxy").Stream("stderr")
	fmt.Fprint(stderr, "start\nup")
	command.Begin("a", time.Time{})
	fmt.Fprint(stderr, "half ")
	fmt.Fprint(stdout, "other half")
	fmt.Fprint(stderr, "one\n")
	fmt.Fprint(sidecar, "side\n")
	fmt.Fprint(ownText{log}, "ours\n")
	command.Flush()
	fmt.Fprint(stderr, "idle\n")
	command.Begin("b", time.Time{})
	command.Begin("c", time.Time{}) // nothing was logged for b
	fmt.Fprint(stderr, "two")
	log.Close(0, 0)
	if want := "start\nup\na half one\nproxy | side\nours\na other half\nidle\nc two\n"; got.String() != want {
		t.Errorf("got %q, want %q", &got, want)
	}
}

// Secrets are hidden in our own lines, in each style, and in no other lines.
func TestLogMask(t *testing.T) {
	for _, test := range []struct {
		style Style
		want  string
	}{
		{Style{}, ` [INFO]  bootstrap: the ***: a="***" n="***" o=12 l="[x ***]" e="no ***"` + "\n"},
		{Style{JSON: true}, `","message":"the ***","a":"***","n":"***","o":12,"l":"[x ***]","e":"no ***"}` + "\n"},
	} {
		var got bytes.Buffer
		test.style.Mask = strings.NewReplacer(`"key"`, "***", "1234", "***").Replace
		log, command := newTestLog(&got, test.style)
		log.Logger(hclog.Info).Info(`the "key"`, "a", `"key"`, "n", 1234, "o", 12, "l", []string{"x 1234"}, "e", errors.New("no 1234"))
		if !strings.HasSuffix(got.String(), test.want) {
			t.Errorf("got %q, want %q", &got, test.want)
		}
		fmt.Fprint(command.Stream("stdout"), "1234")
		command.Flush()
		if !strings.Contains(got.String(), "1234") {
			t.Errorf("got %q, want what the command logs as it is", &got)
		}
	}
}

// Lines stay whole and have the id of their event when many sources log at the
// same time, even lines that take several writes.
func TestLogManySources(t *testing.T) {
	const sources, events, lines = 20, 20, 10
	for _, style := range []Style{{Prefix: true}, {JSON: true}} {
		t.Run(fmt.Sprintf("%+v", style), func(t *testing.T) {
			got := &bytes.Buffer{}
			log := NewLog(got, style)
			var all sync.WaitGroup
			for n := range sources {
				all.Go(func() {
					source := log.Source("")
					stdout, stderr := source.Stream("stdout"), source.Stream("stderr")
					for event := range events {
						id := fmt.Sprintf("<%02d-%02d>", n, event)
						source.Begin(id, time.Now().Add(bound))
						for range lines {
							fmt.Fprint(stdout, id[:3])
							fmt.Fprint(stderr, id+"\n")
							fmt.Fprint(stdout, id[3:]+"\n")
							fmt.Fprint(ownText{log}, "ours\n")
						}
						source.Flush()
					}
				})
			}
			all.Wait()
			count := 0
			for line := range strings.Lines(got.String()) {
				at := strings.IndexByte(line, '<')
				if at < 0 {
					continue
				}
				count++
				id := line[at : at+len("<00-00>")]
				if rest := strings.ReplaceAll(line, id, ""); strings.ContainsAny(rest, "<>") || style.Prefix && line != id+" "+id+"\n" {
					t.Fatalf("got the line %q", line)
				}
			}
			if want := 2 * sources * events * lines; count != want {
				t.Errorf("got %d lines, want %d", count, want)
			}
		})
	}
}

// Logging allocates no memory when bytes are logged unchanged.
func TestLogAllocates(t *testing.T) {
	_, command := newTestLog(io.Discard, Style{})
	stream, text := command.Stream("stderr"), []byte("a line\n")
	if got := testing.AllocsPerRun(100, func() {
		command.Begin("id", time.Time{})
		_, _ = stream.Write(text)
		command.Flush()
	}); got > 0 {
		t.Errorf("got %v allocations for an event, want none", got)
	}
}

// A complaint stays one line in JSON, however long it is.
func TestLogComplaints(t *testing.T) {
	var got bytes.Buffer
	fmt.Fprintln(NewLog(&got, Style{JSON: true}).Complaints(), strings.Repeat("x\n", maxWhole))
	if text := got.String(); strings.Count(text, "\n") != 1 || !json.Valid([]byte(text)) {
		t.Errorf("got %d lines of %d bytes, want an object", strings.Count(text, "\n"), len(text))
	}
}
