package integration

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// does is code that runs its event as a command.
const does = `eval "$(event)"`

// patience is a time limit that no event of a correct program reaches.
const patience = time.Minute

// A trial is bootstrap with some code, which gets its events in one way.
type trial struct {
	way      string // its name
	server   *emulator.Server
	runner   *emulator.Runner
	dir, tmp string
	log      *locked.Buffer
}

// inEachWay runs a test of the same code in each way in which an event reaches it,
// or in fewWays in a short run. In the code, event prints the event.
func inEachWay(t *testing.T, code string, env []string, test func(t *testing.T, f *trial)) {
	t.Helper()
	inWays(t, triedWays(), code, env, test)
}

func inWays(t *testing.T, ways []way, code string, env []string, test func(t *testing.T, f *trial)) {
	t.Helper()
	for _, way := range ways {
		if way.has(env) {
			t.Run(way.name, func(t *testing.T) {
				t.Parallel()
				test(t, begin(t, way.name, protocol.SCF, code, env))
			})
		}
	}
}

// fewWays represent all ways in tests where the way matters little: a program,
// a resident shell, and a host that speaks frames.
var fewWays = []way{named("stdin"), named("function"), named("worker")}

// inFewWays does the same as inEachWay in fewWays.
func inFewWays(t *testing.T, code string, env []string, test func(t *testing.T, f *trial)) {
	t.Helper()
	inWays(t, fewWays, code, env, test)
}

// begin starts a trial. It logs only errors of bootstrap, unless env says
// otherwise.
func begin(t *testing.T, name string, p *protocol.Platform, code string, env []string, wrapper ...string) *trial {
	t.Helper()
	f := &trial{way: name, tmp: t.TempDir(), log: &locked.Buffer{}}
	fn := f.kind().install(t, strings.ReplaceAll(f.kind().code, behave, "\nbehave() {\n"+code+"\n}\n"))
	fn.Timeout = patience
	fn.Env = slices.Concat([]string{"TMPDIR=" + f.tmp, "BOOTSTRAP_LOG_LEVEL=error"}, fn.Env, env)
	f.dir = fn.Dir
	f.server, f.runner = start(t, unhurried(p), fn, f.log, wrapper...)
	return f
}

// unhurried returns the platform without its limit for the stop, which a loaded
// machine may exceed. Tests of that limit measure the time themselves.
func unhurried(p *protocol.Platform) *protocol.Platform {
	copied := *p
	copied.StopLimit = 0
	return &copied
}

// kind returns the way of the events.
func (f *trial) kind() way { return named(f.way) }

// fits reports whether an event of that size can be delivered in this way.
func (f *trial) fits(size int) bool { return f.way != "argv" || size < 32*os.Getpagesize() }

func (f *trial) invoke(t *testing.T, event string) emulator.Outcome {
	t.Helper()
	out, err := f.runner.Invoke(context.Background(), emulator.Event{Body: f.kind().event(event)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// succeeds sends an event that must have that result. The result of a function in a
// shell has no newlines at its end.
func (f *trial) succeeds(t *testing.T, event, result string) emulator.Outcome {
	t.Helper()
	if f.kind().trims {
		result = strings.TrimRight(result, "\n")
	}
	out := f.invoke(t, event)
	if out.Kind != emulator.Result || string(out.Body) != result {
		t.Errorf("got %v of %d bytes %.300q, want the result of %d bytes %.300q", out.Kind, len(out.Body), out.Body, len(result), result)
	}
	return out
}

// A posted is the JSON of a failure that was posted.
type posted struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	Stack   []string `json:"stackTrace"`
}

// fails sends an event that must fail with that type, and the texts in its
// message.
func (f *trial) fails(t *testing.T, event, kind string, texts ...string) (got posted) {
	t.Helper()
	out := f.invoke(t, event)
	if err := json.Unmarshal(out.Body, &got); err != nil || out.Kind != emulator.Failure || got.Type != kind {
		t.Errorf("%.100q: got %v %.300q, %v, want a failure of type %s", event, out.Kind, out.Body, err, kind)
	}
	for _, text := range texts {
		if !strings.Contains(got.Message, text) {
			t.Errorf("%.100q: got the message %q, want %q in it", event, got.Message, text)
		}
	}
	return got
}

// logged stops the runtime and returns all of its log.
func (f *trial) logged(t *testing.T) string {
	t.Helper()
	if state := f.runner.Stop(); state == nil || state.ExitCode() != 0 {
		t.Errorf("after SIGTERM it ended with %v, want exit status 0", state)
	}
	return f.log.String()
}

// outside returns our pids of processes that have other pids in the runtime's
// namespace.
func (f *trial) outside(pids []string) (ours []int) {
	for _, pid := range pids {
		ours = append(ours, outside(pidOf(f.runner), pid))
	}
	return ours
}

// leavesNothing checks that no process and no file is left.
func (f *trial) leavesNothing(t *testing.T) {
	t.Helper()
	f.kind().swept(t, pidOf(f.runner), 0)
	if files := inRuns(f.tmp); len(files) > 0 {
		t.Errorf("left in the temp folder: %q", files)
	}
}
