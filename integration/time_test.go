package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// TestT01Timeout checks the time limit when a child holds the outputs, or when
// the first process has exited before. The platform gets the reason in time,
// and no process is left (T16).
func TestT01Timeout(t *testing.T) {
	for name, script := range map[string]string{
		"children":           "sleep 60 & sleep 60; echo no",
		"closed its outputs": "exec >&- 2>&-; sleep 60; :",
	} {
		t.Run(name, func(t *testing.T) {
			for _, w := range sandbox.fewer(triedWays()) {
				t.Run(w.name, func(t *testing.T) {
					t.Parallel()
					fn := w.function(t, script)
					fn.Timeout = sandbox.patience(time.Second)
					_, runner := start(t, protocol.SCF, fn, nil)
					out := fails(t, runner, "{}", "Function.Timeout")
					if out.Duration < fn.Timeout/2 || out.Duration >= fn.Timeout {
						t.Errorf("got the answer after %v, want it shortly before %v", out.Duration, fn.Timeout)
					}
					w.swept(t, pidOf(runner), 0)
				})
			}
		})
	}
}

// The limit is the same wherever the platform states it, a shorter one of the
// user takes precedence, and the failure names the limit that applied (T06,
// T15).
func TestT05BeforeThePlatform(t *testing.T) {
	for _, row := range []struct{ platform, own, want string }{{"2s", "0", "2s"}, {"30s", "1s", "1s"}, {"1s", "30s", "1s"}} {
		t.Run(row.platform+" "+row.own, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				platform, _ := time.ParseDuration(row.platform)
				limit, _ := time.ParseDuration(row.want)
				_, runner := start(t, p, emulator.Function{Handler: "index.main_handler", Timeout: platform,
					Env: []string{"BOOTSTRAP_TIMEOUT=" + row.own},
					Dir: shellFunction(t, `[ "$1" = limit ] || exec sleep 60; echo $FUNCTION_TIME_LIMIT_MS`)}, nil)
				got, err := time.ParseDuration(succeeds(t, runner, "limit") + "ms")
				if err != nil || got > limit || got < limit-200*time.Millisecond { // an instant loses what the event took to come
					t.Errorf("got the limit %v, %v, want %v", got, err, limit)
				}
				out := fails(t, runner, "{}", "Function.Timeout")
				if p.Deadline == "" && !strings.Contains(string(out.Body), "(the limit is "+row.want+")") {
					t.Errorf("got %s, want the limit of %s in it", out.Body, row.want)
				}
				if left := limit - out.Duration; left < 50*time.Millisecond || left > time.Second {
					t.Errorf("got the answer %v before the limit of %v", left, limit)
				}
			})
		})
	}
}

// After a freeze between two events that lasts longer than the limit, the next
// event has its full time.
func TestT07Frozen(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		_, runner := start(t, p, emulator.Function{Handler: "index.main_handler", Timeout: time.Second,
			Dir: shellFunction(t, "sleep 0.3; echo done")}, nil)
		succeeds(t, runner, "{}")
		signal(t, pidOf(runner), syscall.SIGSTOP)
		<-time.After(1200 * time.Millisecond) // the freeze itself
		signal(t, pidOf(runner), syscall.SIGCONT)
		if got := strings.TrimSpace(succeeds(t, runner, "{}")); got != "done" {
			t.Errorf("got %q, want done", got)
		}
	})
}

// A command that exits just when it is stopped or killed has one answer: its result
// or the timeout.
func TestT08ExitAtTheLimit(t *testing.T) {
	const each = 2 // instances of each way
	tried := triedWays()
	events := (50 + effort.Repeats(150)) * len(tried)
	var running sync.WaitGroup
	var mu sync.Mutex
	outcomes, turns := map[string]int{}, make(chan bool, 6)
	for i := range each * len(tried) {
		w := tried[i/each]
		if w.needs != "" && !inPath(w.needs) {
			t.Logf("NOT TESTED: this machine has no %s", w.needs)
			continue
		}
		// The event has the time to sleep, and whether to ignore SIGTERM.
		fn := w.function(t, "set -- $(case $BOOTSTRAP_DELIVERY in argv) echo $1 ;; file) cat $1 ;; *) cat ;; esac)\n"+
			"[ -z \"$2\" ] || trap '' TERM; sleep $1; printf whole")
		limit := max(60*time.Millisecond, 20*scriptTime())
		if w.idle != nil { // it starts again in that time
			limit *= 4
		}
		fn.Env = append(fn.Env, fmt.Sprint("BOOTSTRAP_TIMEOUT=", limit), fmt.Sprint("BOOTSTRAP_MARGIN=", limit/2), "BOOTSTRAP_LOG_LEVEL=warn")
		p := protocol.Platforms[i%len(protocol.Platforms)]
		server, runner := start(t, p, fn, nil)
		running.Go(func() {
			turns <- true
			runner.Invoke(context.Background(), emulator.Event{Body: w.event("0")}) // it starts
			n := w.times(events / each / len(tried))
			got := atTheLimit(t, w, server, limit, n)
			unharmed(t, w, p, server, runner, 1+n)
			<-turns
			mu.Lock()
			defer mu.Unlock()
			for outcome, n := range got {
				outcomes[outcome] += n
			}
		})
	}
	running.Wait()
	t.Log(outcomes)
	for _, outcome := range []string{"result", "result, deaf", "failure", "failure, deaf"} {
		if outcomes[outcome] < events/20 {
			t.Errorf("got %v: too few around the limit to tell", outcomes)
		}
	}
}

// atTheLimit finds the sleep at which either outcome may happen, in ever smaller
// steps, and stays near it.
func atTheLimit(t *testing.T, w way, server *emulator.Server, limit time.Duration, events int) map[string]int {
	outcomes := map[string]int{}
	searches := []*search{{kind: "", sleep: limit * 2 / 5, step: limit / 8}, {kind: ", deaf", sleep: limit * 2 / 3, step: limit / 8}}
	for i := range events {
		s := searches[i%2]
		event := fmt.Sprintf("%.4f%s", s.sleep.Seconds(), strings.TrimPrefix(s.kind, ","))
		out, err := server.Invoke(context.Background(), emulator.Event{Body: w.event(event)})
		outcomes[out.Kind.String()+s.kind]++
		switch {
		case err == nil && out.Kind == emulator.Result && string(out.Body) == "whole":
			s.move(true, limit/60)
		case err == nil && out.Kind == emulator.Failure && out.ErrorType == "Function.Timeout":
			s.move(false, limit/60)
		default:
			t.Errorf("%s: event %q: got %v %.200q, %v", w.name, event, out.Kind, out.Body, err)
		}
	}
	return outcomes
}

// A search looks for the longest sleep that ends in time.
type search struct {
	kind        string
	sleep, step time.Duration
	longer      bool // the last move
}

// move tries a longer or a shorter sleep next. The step shrinks with each turn.
func (s *search) move(longer bool, smallest time.Duration) {
	if longer != s.longer {
		s.step = max(s.step/2, smallest)
	}
	s.longer = longer
	if longer {
		s.sleep += s.step
	} else {
		s.sleep = max(0, s.sleep-s.step)
	}
}

// unharmed checks that each event has one answer and has left nothing behind.
func unharmed(t *testing.T, w way, p *protocol.Platform, server *emulator.Server, runner *emulator.Runner, events int) {
	t.Helper()
	w.swept(t, pidOf(runner), 0)
	if got := server.Stats(); got.Instances != 1 || !connected(p, got) || got.Deliveries != events ||
		got.Responses+got.Errors != events || got.Refused != 0 {
		t.Errorf("%s, %s: got %+v, want %d answers over its connections, and nothing else", w.name, p.Name, got, events)
	}
	const own = 21 // the runtime's, its two logs among it, and its host's
	until(t, "few descriptors are open", func() bool { return len(openFiles(pidOf(runner))) <= own })
	if state := runner.Stop(); state == nil || state.ExitCode() != 0 {
		t.Errorf("%s, %s: after SIGTERM it ended with %v, want exit status 0", w.name, p.Name, state)
	}
}

// openFiles returns the open files of a process, except those that depend on
// the number of its threads, which Go chooses.
func openFiles(pid int) (open []string) {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // the pattern is good
	for _, link := range links {
		to, _ := os.Readlink(link) // closed: nothing
		if !strings.HasSuffix(to, "/children") && !strings.HasSuffix(to, "/task") {
			open = append(open, to)
		}
	}
	return open
}

// Ready is reported when the code is loaded, not before (A12), however long
// that takes, and the waiting event is served once. A function that never loads
// is given up.
func TestT12SlowStart(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		for load, want := range map[string]emulator.Kind{"sleep 0.5": emulator.Result, "sleep 60": emulator.InitTimedOut} {
			if want == emulator.InitTimedOut && p.RestartsInit {
				want = emulator.TimedOut // of the second start
			}
			t.Run(load, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, dir, "index.sh", load+"\nmain_handler() { echo x >>ran; }\n", 0o644)
				server, runner := start(t, p, emulator.Function{Handler: "index.main_handler", Dir: dir, InitLimit: 1500 * time.Millisecond}, nil)
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte("{}")})
				if err != nil || out.Kind != want || out.Init < 500*time.Millisecond {
					t.Errorf("got %v %s, ready after %v, %v, want %v", out.Kind, out.Reason, out.Init, err, want)
				}
				ran, served := len(lines(t, dir, "ran")), server.Stats().Deliveries
				if want == emulator.Result && (ran != 1 || served != 1) || want != emulator.Result && ran+served != 0 {
					t.Errorf("got %d deliveries, and it ran %d times", served, ran)
				}
			})
		}
	})
}

// A stop does not wait for processes that are already dead.
func TestT14StopWithADeadHost(t *testing.T) {
	_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "kill -9 $$")}, nil)
	fails(t, runner, "{}", "Function.Signal")
	began := time.Now()
	if state := runner.Stop(); state == nil || state.ExitCode() != 0 || time.Since(began) > time.Second {
		t.Errorf("after SIGTERM it ended with %v after %v, want exit status 0 at once", state, time.Since(began))
	}
}

// The time to load the code again counts as the event's.
func TestT05LoadedAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "index.sh", "[ ! -e slow ] || sleep 60\nmain_handler() { touch slow; kill -9 $$; }\n", 0o644)
	server, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: time.Second}, nil)
	fails(t, runner, "{}", "Function.Signal")
	out := fails(t, runner, "{}", "Function.Timeout")
	if !strings.Contains(string(out.Body), "index.sh was being loaded again") {
		t.Errorf("got %s, want what took the time in it", out.Body)
	}
	if got := server.Stats(); got.Instances != 1 || got.Errors != 2 {
		t.Errorf("got %+v, want 1 instance and 2 errors", got)
	}
}
