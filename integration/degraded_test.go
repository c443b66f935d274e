package integration

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// in is the wrapper of a profile with surroundings, which need root.
func in(t *testing.T, name string) []string {
	t.Helper()
	if text := profiles[name].untested(); text != "" {
		t.Skip(text)
	}
	return []string{os.Args[0], underFlag, name}
}

// If process 1 reaps no zombies, the runtime warns about them. When there is no
// room for more processes, it fails the event with that reason and exits, so
// that the platform starts it in a new sandbox.
func TestZombiesThatNobodyReaps(t *testing.T) {
	const code = `i=0; while [ $i -lt 60 ]; do (true & exec true) & i=$((i+1)); done; wait; echo ok`
	for i, way := range []string{"stdin", "function"} {
		t.Run(way, func(t *testing.T) {
			if !effort.HasTurn(i, 2) {
				t.Skip("make test-long runs it")
			}
			t.Parallel()
			f := begin(t, way, protocol.Lambda, does, []string{"BOOTSTRAP_LOG_LEVEL=warn"}, in(t, "lambda")...)
			var out emulator.Outcome
			for range 40 {
				if out = f.invoke(t, code); out.Kind != emulator.Result {
					break
				}
			}
			isFailure(t, out, "", "zombies", "process 1")
			f.succeeds(t, "echo again", "again\n")
			if got := f.server.Stats(); got.Instances != 2 {
				t.Errorf("got %d instances, want a new one", got.Instances)
			}
			if log := f.log.String(); strings.Count(log, "does not reap dead processes") != 1 {
				t.Errorf("want one warning of the zombies in the log %s", log)
			}
		})
	}
}

// The next runtime kills what a killed runtime has left behind, and nothing
// else.
func TestNextRuntimeClearsUp(t *testing.T) {
	if sandbox.around.noProc {
		t.Skip("NOT TESTED: without /proc the next runtime does not look for them")
	}
	for _, way := range []string{"stdin", "function", "worker"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			env := []string{"BOOTSTRAP_SIDECARS=Procfile", "BOOTSTRAP_LEFTOVERS=keep"}
			f := begin(t, way, protocol.SCF, does, env)
			write(t, f.dir, "Procfile", "beside: trap '' TERM; setsid sleep 301 & while :; do sleep 1; done\n", 0o644)
			hide := strings.Join(sandbox.finds("escape session", "escape twice", "escape bare"), "; ")
			f.succeeds(t, escapes+hide+"; echo one", "one\n")
			there := family(pidOf(f.runner))
			if len(there) < 6 {
				t.Errorf("got the processes %v, want a sidecar, and what the event left", there)
			}
			signal(t, pidOf(f.runner), syscall.SIGKILL)
			until(t, "it is dead", func() bool { return f.runner.PID() == 0 })
			f.succeeds(t, "echo two", "two\n")
			for _, p := range there {
				until(t, fmt.Sprint(p, " is gone"), p.gone)
			}
		})
	}
}

// Runtimes that share a PID namespace and a user leave each other alone,
// whatever abilities one of them lacks.
func TestRuntimesBesideEachOther(t *testing.T) {
	for _, name := range []string{"no-proc", "strict", "gvisor", "killer"} {
		t.Run(name, func(t *testing.T) {
			first := begin(t, "function", protocol.SCF, does, []string{"BOOTSTRAP_SIDECARS=Procfile"}, in(t, name)...)
			write(t, first.dir, "Procfile", "beside: exec sleep 302\n", 0o644)
			first.succeeds(t, "echo one", "one\n")
			there := family(pidOf(first.runner))
			for _, wrapper := range [][]string{nil, in(t, name)} {
				second := begin(t, "function", protocol.SCF, does, nil, wrapper...)
				second.succeeds(t, "echo two", "two\n")
				second.logged(t) // wants status 0
			}
			for _, p := range there {
				if p.gone() {
					t.Errorf("%v is gone", p)
				}
			}
			first.succeeds(t, "echo three", "three\n")
			if got := first.server.Stats(); got.Instances != 1 {
				t.Errorf("got %d instances, want the first one to live on", got.Instances)
			}
		})
	}
}

// If there are no terminals, the command gets pipes, and the log has one
// warning.
func TestNoTerminal(t *testing.T) {
	for _, way := range []string{"stdin", "function", "worker"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way, protocol.Lambda, `[ -t 2 ] || echo none; echo log >&2`, append([]string{"BOOTSTRAP_LOG_LEVEL=warn"}, asTerminal...), in(t, "lambda")...)
			for range 3 {
				f.succeeds(t, "{}", "none\n")
			}
			if log := f.logged(t); strings.Count(log, "log\n") != 3 || strings.Count(log, "/dev/ptmx") != 1 {
				t.Errorf("want three lines, and one warning of /dev/ptmx, in the log %s", log)
			}
		})
	}
}

// If nothing can be written, functions that need a file cannot start, and the
// error says what to change. All others work.
func TestNothingWritable(t *testing.T) {
	fn := func(env ...string) emulator.Function {
		return emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "echo ok"), Timeout: patience, Env: env}
	}
	program := named("file").install(t, "#!/bin/sh\necho ok")
	program.Env = append(program.Env, "TMPDIR=/tmp")
	for name, row := range map[string]struct {
		fn   emulator.Function
		text string
	}{
		"file":      {program, "BOOTSTRAP_DELIVERY"},
		"per event": {fn("TMPDIR=/tmp", perEvent), "BOOTSTRAP_TMPDIR_PER_EVENT"},
	} {
		t.Run(name, func(t *testing.T) {
			_, runner := start(t, protocol.Lambda, row.fn, nil, in(t, "k8s-read-only")...)
			out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
			if err != nil || out.Kind != emulator.InitFailed {
				t.Errorf("got %v %s, %v, want a failed start", out.Kind, out.Body, err)
			}
			isFailure(t, out, "", row.text, "/tmp", "read-only")
		})
	}
	for file, code := range map[string]string{
		"index.sh": "main_handler() { echo ok; }\n",
		"index.py": "def main_handler(event, context):\n    return 'ok'\n",
		"index.js": "exports.main_handler = async () => 'ok';\n",
	} {
		t.Run(file, func(t *testing.T) {
			f := fn()
			f.Dir = t.TempDir()
			write(t, f.Dir, file, code, 0o644)
			_, runner := start(t, protocol.Lambda, f, nil, in(t, "k8s-read-only")...)
			for range 3 {
				if got := strings.Trim(succeeds(t, runner, "{}"), `"`); got != "ok" {
					t.Errorf("got %q, want ok", got)
				}
			}
		})
	}
}
