package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// behave is the user's code: it obeys the file "behaviour". event prints the
// event, however it was delivered.
const behave = `
behave() {
	case $(cat behaviour) in
	echo) event ;;
	failure) echo "no such customer" >&2; exit 3 ;;
	timeout) sleep 60 ;;
	oversize) head -c 7000000 /dev/zero ;;
	binary) cat bytes ;;
	empty) : ;;
	esac
}
`

// A scenario is an event and its expected outcome.
type scenario struct {
	behaviour string
	event     []byte
	result    []byte // nil: a failure
	failure   string // its type
	message   []string
}

var allBytes = func() (b []byte) {
	for i := range 1024 {
		b = append(b, byte(i))
	}
	return b
}()

func scenarios(w way, p *protocol.Platform) []scenario {
	big := bytes.Repeat([]byte("6 MB of text. "), p.MaxEvent/14)
	bigEcho := scenario{behaviour: "echo", event: big, result: big}
	if w.name == "argv" {
		bigEcho = scenario{behaviour: "echo", event: big, failure: "Function.EventTooLarge",
			message: []string{fmt.Sprint(len(big)), "131071", "stdin", "file"}}
	}
	return []scenario{
		{behaviour: "echo", event: []byte(`{"a": "b c"}`), result: []byte(`{"a": "b c"}`)},
		{behaviour: "failure", event: []byte("{}"), failure: "Function.ExitError", message: []string{"exit status 3", "no such customer"}},
		{behaviour: "timeout", event: []byte("{}"), failure: "Function.Timeout", message: []string{"timed out"}},
		{behaviour: "oversize", event: []byte("{}"), failure: "Function.ResponseSizeTooLarge", message: []string{fmt.Sprint(p.MaxResult)}},
		{behaviour: "binary", event: []byte("{}"), result: allBytes},
		{behaviour: "empty", event: []byte("{}"), result: []byte{}},
		bigEcho,
		{behaviour: "echo", event: []byte("[]"), result: []byte("[]")},
	}
}

// One instance serves all scenarios of a way. Whatever an event does, the next
// one is served.
func TestEvents(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) { serveAll(t, p) })
}

// serveAll runs the scenarios of each way.
func serveAll(t *testing.T, p *protocol.Platform, wrapper ...string) {
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			if w.needs != "" && len(wrapper) > 0 {
				possible(t, append(wrapper, w.needs)...) // with an empty program
			}
			fn, tmp := w.install(t, w.code), t.TempDir()
			write(t, fn.Dir, "bytes", string(allBytes), 0o644)
			fn.Timeout, fn.Env = sandbox.patience(2*time.Second), append(fn.Env, "TMPDIR="+tmp)
			server, runner := start(t, p, fn, nil, wrapper...)
			list := scenarios(w, p)
			for _, s := range list {
				write(t, fn.Dir, "behaviour", s.behaviour, 0o644)
				s.check(t, w, runner)
			}
			clean(t, p, server, runner, len(list), tmp)
		})
	}
}

func (s *scenario) check(t *testing.T, w way, runner *emulator.Runner) {
	t.Helper()
	out, err := runner.Invoke(context.Background(), emulator.Event{Body: w.event(string(s.event))})
	if err != nil {
		t.Fatal(err)
	}
	if s.failure == "" {
		if out.Kind != emulator.Result || !bytes.Equal(out.Body, s.result) {
			t.Errorf("%s: got %v of %d bytes %.200q, want a result of %d bytes", s.behaviour, out.Kind, len(out.Body), out.Body, len(s.result))
		}
		return
	}
	var posted struct {
		Type    string   `json:"errorType"`
		Message string   `json:"errorMessage"`
		Stack   []string `json:"stackTrace"`
	}
	if err := json.Unmarshal(out.Body, &posted); err != nil {
		t.Errorf("%s: the error %q is not JSON: %v", s.behaviour, out.Body, err)
	}
	if out.Kind != emulator.Failure || out.ErrorType != s.failure || posted.Type != s.failure {
		t.Errorf("%s: got %v of type %q, %q, want a failure of type %q", s.behaviour, out.Kind, out.ErrorType, posted.Type, s.failure)
	}
	for _, text := range s.message {
		if !strings.Contains(posted.Message, text) {
			t.Errorf("%s: got the message %q, want %q in it", s.behaviour, posted.Message, text)
		}
	}
}

// clean checks that every event had exactly one answer, from one process, over its
// connections, and that the events have left nothing behind.
func clean(t *testing.T, p *protocol.Platform, server *emulator.Server, runner *emulator.Runner, events int, tmp string) {
	t.Helper()
	got := server.Stats()
	if got.Instances != 1 || !connected(p, got) || got.Redeliveries != 0 || got.Refused != 0 ||
		got.Responses+got.Errors != events {
		t.Errorf("got %+v, want 1 instance, its connections, %d answers, nothing else", got, events)
	}
	if state := runner.Stop(); state == nil || state.ExitCode() != 0 {
		t.Errorf("after SIGTERM it ended with %v, want exit status 0", state)
	}
	if files, err := os.ReadDir(tmp); err != nil || len(files) > 0 {
		t.Errorf("left in the temp folder: %v, %v", files, err)
	}
}

// connected reports whether one connection served all events, and a second one our
// extension if the platform has extensions.
func connected(p *protocol.Platform, got emulator.Stats) bool {
	extensions := 0
	if p.Register != "" {
		extensions = 1
	}
	return got.Extensions == extensions && got.Connections == 1+extensions
}
