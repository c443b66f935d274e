package integration

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"

	"golang.org/x/sys/unix"
)

// sweepWays are the ways in which the sweep sends events, with options that
// make the runtime use more calls.
var sweepWays = []struct {
	way string
	env []string
}{
	{"stdin", []string{"BOOTSTRAP_PTY=true", "BOOTSTRAP_SIDECARS=Procfile"}},
	{"function", []string{"BOOTSTRAP_TMPDIR_PER_EVENT=true", "BOOTSTRAP_INIT_COMMAND=:", "BOOTSTRAP_STOP_COMMAND=:"}},
	{"worker", []string{"BOOTSTRAP_WORKER_MAX_MEMORY=500MB", "BOOTSTRAP_LOG_FORMAT=json"}},
	{"file", nil},
	{"python", nil},
}

// The endings of a runtime in the sweep, the best first.
const (
	serves  = "serves"              // all that it serves elsewhere
	refuses = "fails events"        // some events, and says why
	stops   = "stops"               // by itself, and says why
	dies    = "dies"                // by a signal or of Go's own runtime, or hangs
	lies    = "gives wrong results" // which nobody may ever get
)

var fromTheBest = []string{serves, refuses, stops, dies, lies}

// An ending is one of these, with details.
type ending struct{ how, why string }

// A sweepRow is a call that fails with errno, in one of the ways.
type sweepRow struct {
	call  string
	errno syscall.Errno
	way   int
}

func (r sweepRow) String() string {
	return fmt.Sprintf("%s says %s, %s", r.call, unix.ErrnoName(r.errno), sweepWays[r.way].way)
}

// sweepRows returns all calls with each error, each in one way, or in all of
// them.
func sweepRows(all bool) (rows []sweepRow) {
	for i, call := range slices.Sorted(maps.Keys(ownCalls)) {
		for j, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS, syscall.EACCES} {
			for way := range sweepWays {
				if all || way == (i+2*j)%len(sweepWays) {
					rows = append(rows, sweepRow{call, errno, way})
				}
			}
		}
	}
	return rows
}

// Whichever of its own calls a sandbox denies, the runtime serves events, or
// says in one sentence why it cannot. It cannot do without only a few calls.
func TestSweep(t *testing.T) {
	if os.Getenv("SANDBOXES") == "" {
		t.Skip("make sandboxes runs it")
	}
	needed := map[string]bool{}
	for row, e := range inSweep(t, sweepRows(os.Getenv("SWEEP") == "all")) {
		allowed := max(slices.Index(fromTheBest, worst[row.call]), 0)
		if slices.Index(fromTheBest, e.how) > allowed {
			t.Errorf("%v: it %s: %.600s", row, e.how, e.why)
		}
		needed[row.call] = needed[row.call] || e.how != serves
	}
	var unsure []sweepRow // no way that needs the call had its turn
	for _, row := range sweepRows(true) {
		if worst[row.call] != "" && !needed[row.call] && row.errno == syscall.EPERM {
			unsure = append(unsure, row)
		}
	}
	for row, e := range inSweep(t, unsure) {
		needed[row.call] = needed[row.call] || e.how != serves
	}
	for call := range worst {
		if !needed[call] {
			t.Errorf("%s is not needed: it serves without", call)
		}
	}
}

// inSweep reports the ending of each row. It runs many at the same time,
// because they mostly wait.
func inSweep(t *testing.T, rows []sweepRow) map[sweepRow]ending {
	var mu sync.Mutex
	var running sync.WaitGroup
	endings, turns := map[sweepRow]ending{}, make(chan bool, 12)
	for i, row := range rows {
		turns <- true
		running.Go(func() {
			defer func() { <-turns }()
			e := sweep(t, row.way, protocol.Platforms[i%len(protocol.Platforms)],
				os.Args[0], withoutFlag, ownCalls[row.call].text(), strconv.Itoa(int(row.errno)))
			mu.Lock()
			defer mu.Unlock()
			endings[row] = e
		})
	}
	running.Wait()
	return endings
}

// The sweep covers each call that the runtime makes.
func TestSweepKnowsAll(t *testing.T) {
	var known []string
	for _, c := range slices.Concat(slices.Collect(maps.Values(ownCalls)), neverDenied) {
		known = append(known, c.text())
	}
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		for i, row := range sweepWays {
			t.Run(row.way, func(t *testing.T) {
				t.Parallel()
				if e := sweep(t, i, p, os.Args[0], onlyFlag, strings.Join(known, ",")); e.how != serves {
					t.Errorf("a call is missing in ownCalls, its number stands in a register: %s", e.why)
				}
			})
		}
	})
}

// sweep runs the runtime behind a wrapper. It serves events that succeed, leave
// processes behind, and time out, and then gets SIGTERM.
func sweep(t *testing.T, way int, p *protocol.Platform, wrapper ...string) (e ending) {
	t.Helper()
	row := sweepWays[way]
	f := &trial{way: row.way, tmp: t.TempDir(), log: &locked.Buffer{}}
	fn := f.kind().install(t, strings.ReplaceAll(f.kind().code, behave, "\nbehave() {\n"+does+"\n}\n"))
	write(t, fn.Dir, "Procfile", "beside: exec sleep 300\n", 0o644)
	fn.Timeout, fn.InitLimit = 8*time.Second, 8*time.Second
	fn.Env = slices.Concat(fn.Env, []string{"TMPDIR=" + f.tmp, "BOOTSTRAP_TIMEOUT=4s", "BOOTSTRAP_MARGIN=2s", "BOOTSTRAP_LOG_LEVEL=warn"}, row.env)
	patient := *p
	patient.StopLimit = 0 // the emulator's own, which is longer: this is not about speed
	server, err := emulator.New(&patient, fn)
	if err != nil {
		t.Error(err)
		return ending{}
	}
	defer server.Close()
	f.runner = emulator.NewRunner(server, append(wrapper, bootstrap), f.log, f.log)
	if e = f.serves(); e.how == serves || e.how == refuses {
		if state := f.runner.Stop(); state == nil || state.ExitCode() != 0 {
			return ending{dies, fmt.Sprintf("after SIGTERM it ended with %v: %s", state, f.log)}
		}
	}
	f.runner.Stop()
	return e
}

// serves sends events until one ends the runtime. The worst ending counts.
func (f *trial) serves() ending {
	worst := ending{how: serves}
	for _, event := range []struct{ code, result, failure string }{
		{"echo one", "one\n", ""},
		{"setsid sleep 300 >/dev/null 2>&1 & echo two", "two\n", ""},
		{"echo no; sleep 300", "", "Function.Timeout"},
		{"echo three", "three\n", ""},
	} {
		e := f.ending(event.code, event.result, event.failure)
		if slices.Index(fromTheBest, e.how) > slices.Index(fromTheBest, worst.how) {
			worst = e
		}
		if e.how != serves && e.how != refuses {
			break
		}
	}
	return worst
}

// goTrace matches the output of a Go program that crashes.
var goTrace = regexp.MustCompile(`(?m)^(goroutine \d+|fatal error: |runtime: |panic: |SIG[A-Z]+: )`)

// saysWhy matches a line of the runtime that says why it does not start or go
// on.
var saysWhy = regexp.MustCompile(`bootstrap: (cannot|stopped:|wrong)|"stream":"bootstrap".*cannot`)

// ending sends an event, and returns its ending.
func (f *trial) ending(code, result, failure string) ending {
	if f.kind().trims {
		result = strings.TrimRight(result, "\n")
	}
	out, err := f.runner.Invoke(context.Background(), emulator.Event{Body: f.kind().event(code)})
	body := string(out.Body)
	more := fmt.Sprintf("%q: %v %s %s, %v; %s", code, out.Kind, body, out.Reason, err, f.log)
	switch {
	case err != nil:
		return ending{dies, more}
	case out.Kind == emulator.Result && failure == "" && body == result, out.Kind == emulator.Failure && out.ErrorType == failure:
		return ending{how: serves}
	case out.Kind == emulator.Result:
		return ending{lies, more}
	case out.Kind == emulator.Failure:
		return ending{refuses, more}
	case goTrace.MatchString(f.log.String()), out.Kind == emulator.TimedOut, out.Kind == emulator.InitTimedOut,
		strings.HasPrefix(out.Reason, "signal: "), !saysWhy.MatchString(f.log.String()):
		return ending{dies, more}
	}
	return ending{stops, more}
}
