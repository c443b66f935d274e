package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// Told to stop with an event in hand, bootstrap still answers it, then ends
// with status 0, all within the platform's limit.
func TestStopWithEventInHand(t *testing.T) {
	for name, test := range map[string]struct {
		code string
		env  []string
		want emulator.Kind
		text string
	}{
		"the event ends in time":              {"echo begun >&2; sleep $1; echo done", nil, emulator.Result, "done"},
		"it outlasts the grace":               {"echo begun >&2; sleep 60", []string{"BOOTSTRAP_GRACE=100ms"}, emulator.Failure, "Function.Stopped"},
		"it outlasts half of the stop's time": {"echo begun >&2; sleep 60", []string{"BOOTSTRAP_STOP_TIMEOUT=500ms"}, emulator.Failure, "Function.Stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *protocol.Platform) {
				log, begun := watch(t, "begun")
				event := "0.5"       // seconds
				if p.StopLimit > 0 { // half of which is for events
					event = fmt.Sprint(p.StopLimit.Seconds() / 5)
				}
				server, runner := start(t, p, emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, test.code),
					Timeout: 20 * time.Second, Env: test.env}, log)
				go func() { // ends when the handler has begun, or the log is closed
					if <-begun {
						tellToStop(runner)
					}
				}()
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte(event)})
				if err != nil || out.Kind != test.want || !strings.Contains(string(out.Body), test.text) {
					t.Errorf("got %v %q, %v, want %v with %q", out.Kind, out.Body, err, test.want, test.text)
				}
				if state := runner.Wait(); state == nil || state.ExitCode() != 0 {
					t.Errorf("it ended with %v, want exit status 0", state)
				}
				if got := server.Stats(); got.Responses+got.Errors != 1 || got.Refused != 0 {
					t.Errorf("got %+v, want one answer", got)
				}
			})
		})
	}
}

// watch is a log that tells when a line has come.
func watch(t *testing.T, line string) (log io.Writer, seen <-chan bool) {
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	came := make(chan bool, 1)
	go func() { // ends when w is closed
		defer close(came)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if lines.Text() == line {
				came <- true
			}
		}
	}()
	return w, came
}
