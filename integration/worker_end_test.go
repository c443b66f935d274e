package integration

import (
	"fmt"
	"slices"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A worker is replaced after a number of events, between two of them.
func TestWorkerMaxEvents(t *testing.T) {
	f := worker(t, protocol.SCF, "", "BOOTSTRAP_WORKER_MAX_EVENTS=3")
	var pids []string
	for range 9 {
		pids = append(pids, f.obeyed(t, "os.getpid()"))
	}
	if got := slices.Compact(slices.Clone(pids)); len(got) != 3 || pids[0] != pids[2] || pids[3] != pids[5] || pids[6] != pids[8] {
		t.Errorf("got the workers %v, want a new one after each 3", pids)
	}
	f.leavesNothing(t)
}

// A worker that holds too much memory is replaced as well, also if its child
// holds it.
func TestWorkerMaxMemory(t *testing.T) {
	f := worker(t, protocol.SCF, "", "BOOTSTRAP_WORKER_MAX_MEMORY=120MB")
	for _, take := range []string{
		`held = b"x" * (150 << 20)`,
		`held = subprocess.Popen([sys.executable, "-c", "held = b'x' * (150 << 20); print(1, flush=True); input()"], stdin=-1, stdout=-1); held.stdout.readline()`,
	} {
		before := f.obeyed(t, "os.getpid()")
		f.succeeds(t, `x = b"x" * (150 << 20); del x; answer("given back")`, "given back")
		if now := f.obeyed(t, "os.getpid()"); now != before {
			t.Errorf("the worker was replaced without a need")
		}
		f.succeeds(t, take+`; answer("taken")`, "taken")
		if now := f.obeyed(t, "os.getpid()"); now == before {
			t.Errorf("%s: the worker was not replaced", take)
		}
	}
	f.leavesNothing(t)
}

// The children of a user's worker stay with it. Processes that lost their
// parent are killed, and at the end all of them.
func TestWorkerKeepsItsChildren(t *testing.T) {
	f := worker(t, protocol.SCF, "")
	own := f.obeyed(t, `subprocess.Popen(["sleep", "300"]).pid`)
	lost := f.obeyed(t, `int(subprocess.check_output(["sh", "-c", "sleep 300 >&2 & echo $!"]))`)
	f.obeyed(t, "1")
	kept := f.outside([]string{own})
	living(t, kept, true)
	living(t, f.outside([]string{lost}), false)
	f.logged(t)
	until(t, own+" is gone", func() bool { return gone(kept[0]) })
}

// If a function leaves a child behind, its host is replaced, unless leftovers
// are kept. Without /proc, bootstrap does not see the child.
func TestHostsWithChildren(t *testing.T) {
	for name, code := range map[string]struct{ file, text string }{
		"python3": {"index.py", "import os, subprocess\n\ndef main_handler(event, context):\n    if event:\n        subprocess.Popen(['sleep', '300'])\n    return os.getpid()\n"},
		"node":    {"index.js", "exports.main_handler = async (event) => { if (event) require('child_process').spawn('sleep', ['300']); return process.pid; };\n"},
	} {
		for keep, replaced := range map[string]bool{"end": !sandbox.around.noProc, "keep": false} {
			t.Run(name+" "+keep, func(t *testing.T) {
				t.Parallel()
				if !inPath(name) {
					t.Skip("NOT TESTED: this machine has no ", name)
				}
				dir := t.TempDir()
				write(t, dir, code.file, code.text, 0o644)
				_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: patience,
					Env: []string{"BOOTSTRAP_LEFTOVERS=" + keep}}, nil)
				before := succeeds(t, runner, "null")
				if now := succeeds(t, runner, "1"); now != before {
					t.Errorf("got the host %s, want %s: the last event left nothing", now, before)
				}
				if now := succeeds(t, runner, "null"); (now != before) != replaced {
					t.Errorf("got the host %s after %s, want it replaced: %v", now, before, replaced)
				}
				below := family(pidOf(runner))
				if replaced {
					swept(t, pidOf(runner), 0, name)
				} else if len(below) < 3 {
					t.Errorf("got the processes %v, want one that lives on", below)
				}
				runner.Stop()
				for _, p := range below {
					until(t, fmt.Sprint(p, " is gone"), p.gone)
				}
			})
		}
	}
}

// After a stop while idle, before or after an event, each way exits with status
// 0 and leaves nothing behind, in far less time than a platform allows.
func TestR10StopIdle(t *testing.T) {
	inEachWay(t, "event", nil, func(t *testing.T, f *trial) {
		for range 3 {
			f.succeeds(t, "text", "text")
			there := family(pidOf(f.runner))
			f.logged(t) // wants status 0
			for _, p := range there {
				until(t, fmt.Sprint(p, " is gone"), p.gone)
			}
		}
		if files := entries(t, f.tmp); files != 0 {
			t.Errorf("got %d files left in the temp folder", files)
		}
	})
}

// The same holds for a worker that ignores SIGTERM, within the platform's
// limit.
func TestR10WorkerIgnoresTerm(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		f := worker(t, p, "")
		f.obeyed(t, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
		f.succeeds(t, `answer(1); time.sleep(300)`, "1")
		there := family(pidOf(f.runner))
		f.logged(t) // wants status 0
		for _, p := range there {
			until(t, fmt.Sprint(p, " is gone"), p.gone)
		}
	})
}
