package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// After SIGTERM during an event, bootstrap answers the event and exits with status 0,
// within the platform's limit.
func TestStopDuringEvent(t *testing.T) {
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

// watch returns a log that reports when a line has arrived.
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

// Traps and exit handlers of the function run when the platform stops the
// runtime.
func TestStopRunsTheFunctionsEnd(t *testing.T) {
	for needs, function := range map[string]struct{ file, text, want string }{
		"python3": {"index.py", `
import atexit, signal, sys
atexit.register(print, "at exit")
signal.signal(signal.SIGTERM, lambda *_: print("at SIGTERM"))
def main_handler(event, context): return 1`, "at SIGTERM\nat exit\n"},
		"node": {"index.js", `
process.on('exit', () => console.log('at exit'));
process.on('SIGTERM', () => setTimeout(() => { console.log('at SIGTERM'); process.exit(); }, 10));
exports.main_handler = async () => 1;`, "at SIGTERM\nat exit\n"},
		"bash": {"index.sh", `trap 'echo at exit' EXIT; trap 'echo at SIGTERM' TERM; main_handler() { echo 1; }`, "at SIGTERM\nat exit\n"},
	} {
		t.Run(needs, func(t *testing.T) {
			if !inPath(needs) {
				t.Skip("NOT TESTED: no ", needs)
			}
			somewhere(t, func(t *testing.T, p *protocol.Platform) {
				dir := t.TempDir()
				write(t, dir, function.file, function.text, 0o644)
				log, err := os.Create(filepath.Join(t.TempDir(), "log"))
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close()
				_, runner := start(t, p, emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: 20 * time.Second, Env: []string{"PATH=" + os.Getenv("PATH")}}, log)
				if out, err := runner.Invoke(context.Background(), emulator.Event{}); err != nil || out.Kind != emulator.Result {
					t.Fatalf("got %v %q, %v", out.Kind, out.Body, err)
				}
				tellToStop(runner)
				if state := runner.Wait(); state == nil || state.ExitCode() != 0 {
					t.Errorf("it ended with %v, want exit status 0", state)
				}
				if text, err := os.ReadFile(log.Name()); err != nil || !strings.Contains(string(text), function.want) {
					t.Errorf("got %v and the log %s, want %q in it", err, text, function.want)
				}
			})
		})
	}
}
