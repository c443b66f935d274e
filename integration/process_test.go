package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// succeeds sends an event that must have a result, and returns the result.
func succeeds(t testing.TB, runner *emulator.Runner, event string) (result string) {
	t.Helper()
	out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte(event)})
	if err != nil || out.Kind != emulator.Result {
		t.Fatalf("got %v %s, %s, %v, want a result", out.Kind, out.Body, out.Reason, err)
	}
	return string(out.Body)
}

// fails sends an event that must fail with that type, and returns the outcome.
func fails(t testing.TB, runner *emulator.Runner, event, errorType string) emulator.Outcome {
	t.Helper()
	out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte(event)})
	if err != nil || out.Kind != emulator.Failure || out.ErrorType != errorType {
		t.Fatalf("got %v %s %s, %s, %v, want a failure of type %s", out.Kind, out.ErrorType, out.Body, out.Reason, err, errorType)
	}
	return out
}

// escapes starts processes that survive the kill of their group, or take time to
// kill.
const escapes = `
bomb() { if [ $1 -gt 0 ]; then bomb $(($1-1)) & bomb $(($1-1)) & fi; sleep 300; }
escape() {
	case $1 in
	background) sleep 300 & ;;
	session) setsid sleep 300 & ;;
	twice) (setsid sh -c 'sleep 300 & sleep 300 &' &) ;;
	deaf) setsid sh -c "trap '' TERM HUP INT; while :; do sleep 1; done" & ;;
	stopped) setsid sh -c 'kill -STOP $$' & ;;
	busy) setsid sh -c 'while :; do :; done' & ;;
	bomb) bomb 6 & ;;
	zombies) i=0; while [ $i -lt 50 ]; do (true & exec sleep 300) & i=$((i+1)); done ;;
	bare) (cd / && setsid env -i /bin/sleep 300 <&- >&- 2>&- &) ;;
	fleeing) setsid sh -c 'echo "sh chain &" >chain; sh chain' & ;;
	esac
}
`

// escapees lists the kinds of escapes that the runtime can find in the sandbox.
var escapees = sandbox.finds("background", "session", "twice", "deaf", "stopped", "busy", "bomb", "zombies", "bare", "fleeing")

// All processes that an event leaves behind are killed, whether it succeeded
// (R03, R15, R23, T16) or timed out, and the answer waits for none of them.
func TestT02Leftovers(t *testing.T) {
	for i, w := range sandbox.fewer(triedWays()) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			leaves(t, w, i, w.function(t, escapes+"set -- $(cat what); escape $1; $2 60"))
		})
	}
}

// Shells differ in which commands they run in a separate process (R13).
func TestR13Shells(t *testing.T) {
	for i, shell := range []string{"dash", "bash", "busybox"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("NOT TESTED: this machine has no %s", shell)
			}
			fn := ways[0].function(t, "")
			if shell == "busybox" {
				path += " sh"
			}
			write(t, fn.Dir, ways[0].file, "#!"+path+"\n"+escapes+"set -- $(cat what); escape $1; $2 60", 0o755)
			leaves(t, ways[0], i, fn)
		})
	}
}

// leaves runs each kind of escape, and checks what is left. The code runs the
// script in the file. A timeout takes half of the limit, so in a short run each kind
// times out in every third way.
func leaves(t *testing.T, w way, number int, fn emulator.Function) {
	limit := sandbox.patience(max(2*time.Second, 600*scriptTime())) // of which the event has half: it starts 150 processes, beside other tests
	if !testing.Short() && os.Getenv("SANDBOX") == "" {
		limit *= 2 // all ways share the processors
	}
	fn.Env = append(fn.Env, fmt.Sprint("BOOTSTRAP_TIMEOUT=", limit), fmt.Sprint("BOOTSTRAP_MARGIN=", limit/2))
	server, runner := start(t, protocol.SCF, fn, nil)
	for _, kind := range escapees {
		write(t, fn.Dir, "what", kind+" echo", 0o644)
		if out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte("{}")}); err != nil || out.Kind != emulator.Result {
			t.Errorf("%s: got %v %s, %v, want a result", kind, out.Kind, out.Body, err)
		}
		w.swept(t, pidOf(runner), 0)
	}
	events := len(escapees)
	if slices.ContainsFunc(fewWays, func(f way) bool { return f.name == w.name }) {
		for i, kind := range escapees {
			if !effort.HasTurn(i+number, 3) {
				continue
			}
			events++
			write(t, fn.Dir, "what", kind+" sleep", 0o644)
			fails(t, runner, "{}", "Function.Timeout")
			w.swept(t, pidOf(runner), 0)
		}
	}
	if got := server.Stats(); got.Instances != 1 || got.Responses+got.Errors != events {
		t.Errorf("got %+v, want 1 instance and %d answers", got, events)
	}
}

// Every exit status is correct while orphans die.
func TestR02StatusesAmongOrphans(t *testing.T) {
	for _, w := range []way{named("stdin"), named("function"), named("worker")} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			_, runner := start(t, protocol.SCF, w.function(t, `code=$(cat); for i in 1 2 3 4 5 6 7 8 9 0; do (true & exec true) & done; exit $code`), nil)
			codes := w.times(8 + effort.Repeats(32))
			if sandbox.around.deafInit { // the zombies stay, and their number has a limit
				codes /= 2
			}
			for code := 1; code < codes; code++ {
				out := fails(t, runner, fmt.Sprint(code), "Function.ExitError")
				if want := fmt.Sprintf(`exit status %d"`, code); !strings.Contains(string(out.Body), want) {
					t.Errorf("got %s, want %s", out.Body, want)
				}
			}
		})
	}
}

// A command that signals its group, or kills itself, affects only itself. The
// file of its event is still removed (R20).
func TestR04KillsItsGroup(t *testing.T) {
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			fn := w.function(t, "case $(cat what) in self) kill -9 $$ ;; *) kill -$(cat what) 0 ;; esac; sleep 60")
			_, tmp, _ := strings.Cut(fn.Env[0], "=")
			server, runner := start(t, protocol.SCF, fn, nil)
			for _, what := range []string{"TERM", "KILL", "INT", "HUP", "self"} {
				write(t, fn.Dir, "what", what, 0o644)
				fails(t, runner, "{}", "Function.Signal")
				w.swept(t, pidOf(runner), 0)
			}
			if files := inRuns(tmp); len(files) > 0 {
				t.Errorf("left in the temp folder: %q", files)
			}
			if got := server.Stats(); got.Instances != 1 || got.Errors != 5 {
				t.Errorf("got %+v, want 1 instance and 5 errors", got)
			}
		})
	}
}

// Without free descriptors an event fails, at the latest once the resident
// process is gone. When there are some again, the next event is served.
func TestR06NoDescriptors(t *testing.T) {
	inEachWay(t, `case $(event) in die) kill -9 0 ;; esac; echo ok`, nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "{}", "ok\n")
		limit := func(n string) {
			out, err := exec.Command("prlimit", "--pid", fmt.Sprint(pidOf(f.runner)), "--nofile="+n+":1024").CombinedOutput()
			if err != nil {
				t.Skipf("NOT TESTED: no limit can be set here: %v %s", err, out)
			}
		}
		limit("1024")
		limit("8")
		var out emulator.Outcome
		for range 3 { // of one that was started before, and of the next
			if out = f.invoke(t, "die"); out.ErrorType != "Function.Signal" {
				break
			}
		}
		if out.Kind != emulator.Failure || out.ErrorType == "Function.Signal" {
			t.Errorf("got %v %s, want a failure to start", out.Kind, out.Body)
		}
		limit("1024")
		f.succeeds(t, "{}", "ok\n")
	})
}

// TestR09OneTerm checks that a command gets SIGTERM only once.
func TestR09OneTerm(t *testing.T) {
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			fn := w.function(t, "trap 'echo term >>terms; kill $!; exit' TERM; sleep 60 & echo x >>ready; wait")
			fn.Env = append(fn.Env, "BOOTSTRAP_TIMEOUT=1s", "BOOTSTRAP_MARGIN=500ms")
			_, runner := start(t, protocol.SCF, fn, nil)
			fails(t, runner, "{}", "Function.Timeout")
			if got := lines(t, fn.Dir, "terms"); len(got) != 1 {
				t.Errorf("got %d times SIGTERM, want once", len(got))
			}
		})
	}
}

// After SIGTERM during an event there is exactly one answer, and then no
// process is left (R10).
func TestR11StopDuringEvent(t *testing.T) {
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			log, begun := watch(t, "begun")
			fn := w.function(t, "sleep 300 & setsid sleep 300 & echo begun >&2; sleep 300")
			fn.Env = append(fn.Env, "BOOTSTRAP_GRACE=50ms")
			server, runner := start(t, protocol.SCF, fn, log)
			there := make(chan []proc, 1)
			go func() { // ends when the code has begun, or the log is closed
				if <-begun {
					there <- family(pidOf(runner))
					tellToStop(runner)
				}
			}()
			fails(t, runner, "{}", "Function.Stopped")
			if state := runner.Wait(); state == nil || state.ExitCode() != 0 {
				t.Errorf("it ended with %v, want exit status 0", state)
			}
			for _, p := range <-there {
				until(t, fmt.Sprint(p, " is gone"), p.gone)
			}
			if got := server.Stats(); got.Errors != 1 || got.Responses != 0 || got.Refused != 0 {
				t.Errorf("got %+v, want one error", got)
			}
		})
	}
}

// A command has only 0, 1 and 2 open, no signal blocked or newly ignored (R17),
// the platform's PATH (A21), and complete variables (A20).
func TestR16CleanChild(t *testing.T) {
	if sandbox.around.noProc {
		t.Skip("NOT TESTED: without /proc a command cannot tell what it has")
	}
	for fd := 3; fd < 1024; fd++ {
		syscall.CloseOnExec(fd) // bootstrap must not inherit the descriptors of the tests
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, ignored, _ := strings.Cut(string(status), "SigIgn:\t") // set by the parent of the tests
	want := []string{"0", "1", "2", "3", "SigBlk:" + strings.Repeat("0", 16), "SigIgn:" + ignored[:16], "A=b=c=="}
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			fn := w.function(t, "ls /proc/self/fd; env cat /proc/self/status | grep 'Sig[BI][lg]' | tr -d '\\t'; env | grep '^PATH=\\|^A='")
			fn.Env = append(fn.Env, "A=b=c==")
			_, runner := start(t, protocol.SCF, fn, nil)
			got := strings.Fields(succeeds(t, runner, "{}"))
			slices.Sort(got)
			path := "PATH=" + platformPath
			if w.noBash {
				path = "PATH=" + withoutBash()
			}
			sorted := slices.Sorted(slices.Values(append([]string{path}, want...)))
			if !slices.Equal(got, sorted) { // ls has 3 for itself
				t.Errorf("got %q, want %q", got, sorted)
			}
		})
	}
}

// Limits that bootstrap sets do not break programs that need much memory or
// many threads at their start.
func TestR22RealPrograms(t *testing.T) {
	for _, command := range []string{`["node","-e","console.log('ok')"]`, `["python3","-c","print('ok')"]`, `["bash","-c","echo ok"]`} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(strings.Split(command, `"`)[1]); err != nil {
				t.Skip("NOT TESTED: ", err)
			}
			_, runner := start(t, protocol.SCF, emulator.Function{Timeout: time.Minute,
				Env: []string{"BOOTSTRAP_COMMAND=" + command, "PATH=" + os.Getenv("PATH")}}, nil)
			if got := succeeds(t, runner, "{}"); got != "ok\n" {
				t.Errorf("got %q, want ok", got)
			}
		})
	}
}
