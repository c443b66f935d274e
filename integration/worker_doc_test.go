package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

const workers = "../examples/worker"

// loops lists the workers of docs/worker.md.
var loops = []struct {
	file, language string
	needs          string
	command        string
	kind           string // of its failure
	noNULs         bool   // it drops them
}{
	{"worker.py", "python", "python3", `["python3", "-u", "worker.py"]`, "Function.ValueError", false},
	{"worker.js", "js", "node", `["node", "worker.js"]`, "Function.Error", false},
	{"worker.go", "go", "go", `["./worker"]`, "Function.Empty", false},
	{"worker.sh", "bash", "bash", `["bash", "worker.sh"]`, "Function.Failed", true},
}

// The document shows the files themselves, and none of them is long.
func TestWorkerDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/worker.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, loop := range loops {
		text := contentOf(t, loop.file)
		if want := "\n```" + loop.language + "\n" + text + "```\n"; !strings.Contains(string(document), want) {
			t.Errorf("docs/worker.md must show %s as it is", loop.file)
		}
		if lines := strings.Count(text, "\n"); lines >= 25 {
			t.Errorf("%s has %d lines, want fewer than 25", loop.file, lines)
		}
		if want := "`" + loop.command + "`"; !strings.Contains(string(document), want) {
			t.Errorf("docs/worker.md must tell its command %s", want)
		}
	}
}

// Each of the workers serves all events, and is never replaced.
func TestWorkerLoops(t *testing.T) {
	for _, loop := range loops {
		t.Run(loop.language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(loop.needs); err != nil {
				t.Skipf("NOT TESTED: this machine has no %s", loop.needs)
			}
			f := beginWorker(t, folderOf(t, loop.file), loop.command)
			f.succeeds(t, "first", "first")
			worker := f.worker(t)
			f.succeeds(t, "second\n\n", "second\n\n")
			all := make([]byte, 0, 1024)
			for i := range 1024 {
				if b := byte(i*7 + i/256); b != 0 || !loop.noNULs {
					all = append(all, b)
				}
			}
			f.succeeds(t, string(all), string(all))
			for _, size := range []int{1, 65_536, 100_000, protocol.SCF.MaxEvent} {
				event := strings.Repeat("more\n\t", size/6+1)[:size]
				f.succeeds(t, event, event)
			}
			if loop.noNULs {
				f.succeeds(t, "one\x00two", "onetwo")
			}
			for range 2 {
				f.fails(t, "", loop.kind, "the event is empty")
				f.succeeds(t, "again", "again")
			}
			if now := f.worker(t); now != worker {
				t.Errorf("the worker %d was replaced by %d", worker, now)
			}
			f.leavesNoneBut(t, worker)
			if log := f.logged(t); log != "" && !loop.noNULs {
				t.Errorf("log: got %q, want none", log)
			}
		})
	}
}

// folderOf returns a folder with one of the files, which is built if necessary.
func folderOf(t *testing.T, file string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if filepath.Ext(file) == ".go" {
		if err := build(filepath.Join(dir, "worker"), filepath.Join(workers, file)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	write(t, dir, file, contentOf(t, file), 0o644)
	return dir
}

func contentOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(workers, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// beginWorker starts a trial of a worker in a folder.
func beginWorker(t *testing.T, dir, command string, env ...string) *trial {
	t.Helper()
	f := &trial{way: "worker", dir: dir, tmp: t.TempDir(), log: &locked.Buffer{}}
	fn := emulator.Function{Handler: "any", Dir: dir, Timeout: patience,
		Env: append(env, "TMPDIR="+f.tmp, "BOOTSTRAP_LOG_LEVEL=error", "BOOTSTRAP_ADAPTER=worker", "BOOTSTRAP_COMMAND="+command)}
	f.server, f.runner = start(t, protocol.SCF, fn, f.log)
	return f
}

// beginObeying starts a worker in bash that runs its events as shell code, with
// another function handle.
func beginObeying(t *testing.T, env ...string) *trial {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "obeys.sh", strings.Replace(contentOf(t, "worker.sh"), "result=$1", `eval "$1"`, 1), 0o644)
	return beginWorker(t, dir, "exec bash obeys.sh", env...)
}

// worker returns the pid of the running worker.
func (f *trial) worker(t *testing.T) int {
	t.Helper()
	procs := tree(pidOf(f.runner))
	if len(procs) < 2 {
		t.Fatalf("got the processes %v, want a worker among them", procs)
	}
	return procs[1].pid
}

// leavesNoneBut checks that only bootstrap and the worker are left.
func (f *trial) leavesNoneBut(t *testing.T, worker int) {
	t.Helper()
	eventually(t, pidOf(f.runner), fmt.Sprintf("only the worker %d", worker), func(procs []proc) bool {
		return len(procs) == 2 && procs[1].pid == worker
	})
}

// The command in the example's README works as described.
func TestWorkerExample(t *testing.T) {
	event, err := os.ReadFile(filepath.Join(workers, "event.json"))
	if err != nil {
		t.Fatal(err)
	}
	command := readmeCommand(t, filepath.Join(workers, "README.md"))
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		result, log, status := shell(t, command+" -platform "+p.Name)
		if status != 0 || result != string(event) {
			t.Errorf("%s\ngot status %d, result %q, log:\n%s", command, status, result, log)
		}
	})
}

// The failures of a worker that exits, hangs, or breaks the protocol are those
// that the document describes.
func TestWorkerFailures(t *testing.T) {
	f := beginObeying(t)
	for _, row := range []struct {
		event, kind string
		texts       []string
		stays       bool
	}{
		{"failure='no luck'", "Function.Failed", []string{"no luck"}, true},
		{"result=$(head -c 6291457 /dev/zero | tr '\\0' x)", "Function.ResponseSizeTooLarge", []string{"6291457", "6291456"}, true},
		{"echo no luck >&2; exit 3", "Function.ExitError", []string{"the worker ended: exit status 3: no luck"}, false},
		{"exit", "Function.ExitError", []string{"the worker ended: exit status 0"}, false},
		{"kill -9 $$", "Function.Signal", []string{"killed by signal 9"}, false},
		{"id=another", "Function.BadFrame", []string{`it answered the event "another"`}, false},
		{`echo '{"errorType":"Function.Own","errorMessage":"mine"}' >&2; exit 1`, "Function.Own", []string{"mine"}, false},
	} {
		f.succeeds(t, "result=ok", "ok")
		before := f.worker(t)
		f.fails(t, row.event, row.kind, row.texts...)
		f.succeeds(t, "result=ok", "ok")
		if stays := f.worker(t) == before; stays != row.stays {
			t.Errorf("%s: it stays: %v, want %v", row.event, stays, row.stays)
		}
	}
	f.succeeds(t, "sleep 300 & setsid sleep 300 & result=ok", "ok")
	out, err := f.runner.Invoke(context.Background(), emulator.Event{Body: []byte("kill -9 $$")})
	if err != nil || out.Kind != emulator.Failure {
		t.Errorf("got %v, %v, want a failure", out.Kind, err)
	}
	f.succeeds(t, "result=ok", "ok")
	f.leavesNoneBut(t, f.worker(t))
}

// A worker that exceeds its time is killed with its children, and the next event is
// served. The time limit of the event applies, not the limit of the start.
func TestWorkerOverTheLimit(t *testing.T) {
	f := beginObeying(t, "BOOTSTRAP_TIMEOUT=2s")
	for _, event := range []string{
		"sleep 300",
		"trap '' TERM; while :; do :; done",
		"setsid sleep 300 & (sleep 300 &); sleep 300",
		`(setsid sh -c 'trap "" TERM; sleep 300 & while :; do :; done' &); sleep 300`,
	} {
		f.fails(t, event, "Function.Timeout", "timed out")
		f.succeeds(t, "result=ok", "ok")
		f.leavesNoneBut(t, f.worker(t))
	}
}
