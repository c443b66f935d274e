package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// atOnce is how many events an instance serves at the same time in these tests.
const atOnce = 20

// obedient is code that does what its event says, "what number seconds", and
// reports which event it believes to serve.
const obedient = `
set -- $(event)
echo "begin $2 $FUNCTION_REQUEST_ID" >&2
sleep $3
case $1 in
fails) echo "failed $2" >&2; exit 3 ;;
crashes) kill -9 0 ;;
slow) exec sleep 60 ;;
leaves) sleep 300 & setsid sleep 300 & (setsid sh -c 'sleep 300 & sleep 300' &) ;;
keeps) (setsid sh -c "sleep 1; echo late >kept-$2" &)
	until [ -s kept-$2 ]; do sleep 0.05; done
	rm kept-$2 ;;
esac
printf "end $2 $FUNCTION_REQUEST_ID" >&2
echo "result $2 $FUNCTION_REQUEST_ID"
`

// parallelWays lists the ways to serve several events at the same time, on each
// platform that allows it. Such a test keeps a machine busy for seconds.
var parallelWays = map[*protocol.Platform][]string{
	protocol.Lambda:        {"stdin", "function", "worker"},
	protocol.FunctionGraph: {"node"},
}

// parallel starts a trial of some code that serves n events at the same time.
func parallel(t *testing.T, way string, p *protocol.Platform, n int, code string, env ...string) *trial {
	t.Helper()
	f := &trial{way: way, tmp: t.TempDir(), log: &locked.Buffer{}}
	fn := f.kind().install(t, strings.ReplaceAll(f.kind().code, behave, "\nbehave() {\n"+code+"\n}\n"))
	fn.Timeout, fn.Concurrency, fn.InitLimit = patience, n, patience
	fn.Env = slices.Concat([]string{"TMPDIR=" + f.tmp, "BOOTSTRAP_LOG_LEVEL=error", "PATH=" + platformPath}, fn.Env, env)
	if p.Concurrency == "" {
		fn.Env = append(fn.Env, fmt.Sprint("BOOTSTRAP_CONCURRENCY=", n))
	}
	f.dir = fn.Dir
	f.server, f.runner = start(t, p, fn, f.log)
	return f
}

// A sentEvent is one event of a parallel test, and its outcome.
type sentEvent struct {
	what   string
	number int
	out    emulator.Outcome
}

// want returns the type of the failure that the event must have, or an empty string
// for a result.
func (e *sentEvent) want() string {
	return map[string]string{"fails": "Function.ExitError", "crashes": "Function.Signal", "slow": "Function.Timeout"}[e.what]
}

func (e *sentEvent) right(ahead bool) bool {
	if want := e.want(); want != "" {
		return e.out.Kind == emulator.Failure && e.out.ErrorType == want
	}
	result := fmt.Sprintf("result %d %s", e.number, e.out.ID)
	if ahead { // it does not know its event
		result = fmt.Sprintf("result %d", e.number)
	}
	return e.out.Kind == emulator.Result && strings.TrimSpace(string(e.out.Body)) == result
}

// sendAll sends an event of each kind, as many at a time as the function serves.
func (f *trial) sendAll(t *testing.T, whats []string) []*sentEvent {
	t.Helper()
	var group sync.WaitGroup
	sent := make([]*sentEvent, len(whats))
	for i, what := range whats {
		e := &sentEvent{what: what, number: i}
		sent[i] = e
		group.Go(func() {
			event := emulator.Event{Body: f.kind().event(fmt.Sprintf("%s %d %.3f", what, i, rand.Float64()/5))}
			if what == "slow" {
				event.Header = http.Header{protocol.Lambda.Deadline: {strconv.FormatInt(time.Now().Add(5*time.Second).UnixMilli(), 10)}}
			}
			var err error
			if e.out, err = f.runner.Invoke(t.Context(), event); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, e := range sent {
		if !e.right(f.kind().ahead) {
			t.Errorf("%s %d, event %s: got %v %s %.300q", e.what, e.number, e.out.ID, e.out.Kind, e.out.ErrorType, e.out.Body)
		}
	}
	return sent
}

// mixture returns n kinds of events, with each kind among them.
func mixture(n int, p *protocol.Platform) (whats []string) {
	kinds := []string{"works", "leaves", "works", "keeps", "fails", "works", "leaves", "works", "crashes", "keeps"}
	for i := range n {
		whats = append(whats, kinds[i%len(kinds)])
	}
	if p.Deadline != "" { // each event may have its own
		whats[n/3] = "slow"
		whats[n/3+1] = "slow"
	}
	return whats
}

// Events at the same time do not disturb each other: each has its own result, its
// own id in its variables and in the log, and only its own failure.
func TestR18Crowd(t *testing.T) {
	for p, ways := range parallelWays {
		for _, way := range ways {
			t.Run(p.Name+" "+way, func(t *testing.T) {
				f := parallel(t, way, p, atOnce, obedient)
				sent := f.sendAll(t, mixture(effort.Repeats(5)*atOnce, p))
				f.undisturbed(t, len(sent))
				checkIDs(t, prefixed(f.logged(t)), sent, f.kind().ahead)
				if files, err := os.ReadDir(f.tmp); err != nil || len(files) > 0 {
					t.Errorf("left in the temp folder: %v, %v", files, err)
				}
			})
		}
	}
}

// undisturbed checks that one instance has answered all events, with a host or a
// worker for each slot, and that no other process is left.
func (f *trial) undisturbed(t *testing.T, events int) {
	t.Helper()
	swept(t, pidOf(f.runner), 0, slices.Repeat(f.kind().idle, atOnce)...)
	if got := f.server.Stats(); got.Instances != 1 || got.Responses+got.Errors != events || got.Redeliveries != 0 || got.Refused != 0 {
		t.Errorf("got %+v, want one instance, %d answers, nothing else", got, events)
	}
	if kept, _ := filepath.Glob(filepath.Join(f.dir, "kept-*")); len(kept) > 0 {
		t.Errorf("an event has lost what it had waited for: %v", kept)
	}
}

// A logLine is a line of the log with the request id that it names.
type logLine struct{ id, message string }

func prefixed(log string) (lines []logLine) {
	for line := range strings.Lines(log) {
		id, message, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		lines = append(lines, logLine{id, message})
	}
	return lines
}

func inJSON(t *testing.T, log string) (lines []logLine) {
	t.Helper()
	for line := range strings.Lines(log) {
		var record struct{ RequestID, Message string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("got the line %q: %v", line, err)
		}
		lines = append(lines, logLine{record.RequestID, record.Message})
	}
	return lines
}

var toldLine = regexp.MustCompile(`^(begin|end|failed) (\d+)(?: (\S*))?$`)

// checkIDs checks that each line that an event logs has the id of that event.
func checkIDs(t *testing.T, lines []logLine, sent []*sentEvent, ahead bool) {
	t.Helper()
	count := map[string]int{}
	for _, line := range lines {
		found := toldLine.FindStringSubmatch(line.message)
		if found == nil {
			continue // the shell may report a process that was killed
		}
		number, _ := strconv.Atoi(found[2]) // digits
		id := sent[number].out.ID
		if line.id != id || found[1] != "failed" && found[3] != id && !ahead {
			t.Errorf("got the line %+v of event %d, which is %s", line, number, id)
		}
		count[found[1]+" "+found[2]]++
	}
	for _, e := range sent {
		want := []string{fmt.Sprint("begin ", e.number)}
		switch e.what {
		case "crashes", "slow":
		case "fails":
			want = append(want, fmt.Sprint("failed ", e.number))
		default:
			want = append(want, fmt.Sprint("end ", e.number))
		}
		for _, line := range want {
			if count[line] != 1 {
				t.Errorf("the log has %d times %q, want once", count[line], line)
			}
		}
	}
}

// The same holds for a log in JSON (L05).
func TestL05Crowd(t *testing.T) {
	for _, way := range []string{"standby", "python"} {
		t.Run(way, func(t *testing.T) {
			f := parallel(t, way, protocol.Lambda, atOnce, obedient, "BOOTSTRAP_LOG_FORMAT=json", "BOOTSTRAP_LOG_LEVEL=info")
			sent := f.sendAll(t, mixture(2*atOnce, protocol.FunctionGraph))
			f.undisturbed(t, len(sent))
			checkIDs(t, inJSON(t, f.logged(t)), sent, f.kind().ahead)
		})
	}
}

// A function may serve fewer events at a time than the platform offers, and
// serves one at a time if the platform sets no number.
func TestConcurrencyBounds(t *testing.T) {
	for _, row := range []struct {
		offered, wanted string
		slots           int
		message         string
	}{
		{"5", "3", 3, `concurrency="3 (environment)"`}, {"3", "5", 3, `concurrency="3 (AWS_LAMBDA_MAX_CONCURRENCY)"`},
		{"4", "0", 4, `concurrency="4 (AWS_LAMBDA_MAX_CONCURRENCY)"`}, {"", "0", 1, ""}, {"nonsense", "0", 1, ""}, {"0", "0", 1, ""}, {"-3", "0", 1, ""},
		{"", "5", 1, `wanted=5 given=1 from="AWS_LAMBDA_MAX_CONCURRENCY, which is not set"`},
	} {
		t.Run(row.offered+" "+row.wanted, func(t *testing.T) {
			t.Parallel()
			fn := emulator.Function{Handler: "index.main_handler", Timeout: patience, Concurrency: 5,
				Dir: shellFunction(t, "echo ok"),
				Env: []string{"AWS_LAMBDA_MAX_CONCURRENCY=" + row.offered, "BOOTSTRAP_CONCURRENCY=" + row.wanted}}
			log := &locked.Buffer{}
			_, runner := start(t, protocol.Lambda, fn, log)
			succeeds(t, runner, "{}")
			swept(t, pidOf(runner), 0, slices.Repeat([]string{"bash", "bash"}, row.slots)...)
			tells(t, log.String(), row.message)
		})
	}
}

// On SCF an answer cannot be assigned to one of several events, so concurrency
// is refused.
func TestConcurrencyRefused(t *testing.T) {
	var log bytes.Buffer
	fn := emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "echo ok"), Env: []string{"BOOTSTRAP_CONCURRENCY=20"}}
	_, runner := start(t, protocol.SCF, fn, &log)
	out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
	if err != nil || out.Kind != emulator.InitFailed || !strings.Contains(out.Reason, "exit status 2") {
		t.Errorf("got %v, %s, %v, want exit status 2", out.Kind, out.Reason, err)
	}
	if want := `BOOTSTRAP_CONCURRENCY is "20" (environment): Tencent SCF gives an instance one event at a time`; !strings.Contains(log.String(), want) {
		t.Errorf("got the log %s, want %q in it", log.String(), want)
	}
}
