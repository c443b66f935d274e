package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A worker that dies at each start is restarted after growing pauses. An event with
// less time than the pause fails at once, with the reason of the last failed start.
func TestR08GrowingPauses(t *testing.T) {
	f := worker(t, protocol.SCF, `
print(time.time(), file=open("starts", "a"))
if os.path.exists("broken"):
    os.write(2, b"no such database\n")
    os._exit(3)
`)
	f.obeyed(t, "1")
	write(t, f.dir, "broken", "", 0o644)
	f.fails(t, "os._exit(4)", "Function.ExitError", "exit status 4")
	const failures = 5
	for range failures {
		f.fails(t, "answer(1)", "Runtime.UserCodeExit", "exit status 3", "no such database")
	}
	starts := lines(t, f.dir, "starts")
	if n := len(starts); n < 1+failures || n > 2+failures { // one may be started off the clock
		t.Fatalf("got %d starts, want one for each event", n)
	}
	starts = starts[len(starts)-failures:]
	for i := 1; i < failures; i++ {
		before, _ := strconv.ParseFloat(starts[i-1], 64)
		after, _ := strconv.ParseFloat(starts[i], 64)
		if least := 0.05 * float64(int(1)<<(i-1)); after-before < least { // a pause may be half as long
			t.Errorf("start %d came %.3f s after the one before, want at least %.2f", i+1, after-before, least)
		}
	}
	out, err := f.runner.Invoke(t.Context(), emulator.Event{Body: []byte("answer(1)"), Header: http.Header{"Time_Limit_In_Ms": {"600"}}})
	if err != nil || out.ErrorType != "Runtime.UserCodeExit" || !strings.Contains(string(out.Body), "no such database") {
		t.Errorf("got %v %s, %v, want the failure of the last start", out.Kind, out.Body, err)
	}
	if n := len(lines(t, f.dir, "starts")); n > 2+failures {
		t.Errorf("got %d starts, want none in the pause", n)
	}
	if err := os.Remove(filepath.Join(f.dir, "broken")); err != nil {
		t.Fatal(err)
	}
	f.obeyed(t, "1")
}

// A worker that takes longer to start than an event may take is ready for one
// of the next events.
func TestR07SlowAgain(t *testing.T) {
	f := worker(t, protocol.SCF, `if os.path.exists("slow"): time.sleep(2)`)
	f.obeyed(t, "1")
	write(t, f.dir, "slow", "", 0o644)
	f.fails(t, "os._exit(3)", "Function.ExitError")
	short := emulator.Event{Body: []byte("answer(1)"), Header: http.Header{"Time_Limit_In_Ms": {"800"}}}
	for tries := 1; ; tries++ {
		out, err := f.runner.Invoke(t.Context(), short)
		if err == nil && out.Kind == emulator.Result {
			return
		}
		if err != nil || out.ErrorType != "Function.Timeout" || tries == 20 {
			t.Fatalf("event %d: got %v %s, %v, want a timeout, and some time a result", tries, out.Kind, out.Body, err)
		}
	}
}

// bootstrap reports ready when the worker has done so, however long that takes
// (A12), and the waiting event is served once.
func TestT12SlowWorker(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		f := worker(t, p, `time.sleep(1.5); print("x", file=open("started", "w"))`)
		out := f.invoke(t, `answer(1)`)
		if out.Kind != emulator.Result || out.Init < 1500*time.Millisecond {
			t.Errorf("got %v %s, ready after %v", out.Kind, out.Body, out.Init)
		}
		if got := f.server.Stats(); got.Deliveries != 1 || got.Instances != 1 {
			t.Errorf("got %+v, want one delivery", got)
		}
	})
}

// If a worker never becomes ready, or writes something else first, the start
// fails, and the error says why.
func TestT12NeverReady(t *testing.T) {
	for first, want := range map[string]string{
		`time.sleep(300)`:                                   "BOOTSTRAP_START_TIMEOUT",
		`os._exit(3)`:                                       "exit status 3",
		`os.kill(os.getpid(), signal.SIGSEGV)`:              "signal 11",
		`say(b"Hello!\n"); time.sleep(300)`:                 "Hello!",
		`say(frame({"id": "x"}, b"text")); time.sleep(300)`: "first, but wrote",
		`os.close(3); time.sleep(300)`:                      "closed descriptor 3",
		`say(frame({"error": {"type": "Own", "message": "no such database"}})); time.sleep(300)`: "no such database",
	} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			w := named("worker")
			w.runs = obeys
			fn := w.install(t, "")
			write(t, fn.Dir, "start", first, 0o644)
			fn.Env = append(fn.Env, "BOOTSTRAP_START_TIMEOUT=2s")
			cannotStart(t, fn, want)
		})
	}
}
