package integration

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

const perEvent = "BOOTSTRAP_TMPDIR_PER_EVENT=true"

// itsFolder prints the temp folder of its event, which a worker gets in the frame.
const itsFolder = `
[ -z "$FUNCTION_TMPDIR" ] || export TMPDIR="$FUNCTION_TMPDIR"
`

// untidy does what its event says in its temp folder, and returns the path of
// that folder.
const untidy = itsFolder + `
cd "$TMPDIR" || exit 9
date >file
case $(event) in
deep) mkdir -p a/b/c; date >a/b/c/file; chmod 000 a/b/c; chmod 000 a/b; chmod 555 a; chmod 000 . ;;
links) ln -s / root; ln -s "$OLDPWD" code; mkfifo fifo; printf x >-rf; date >"$(printf 'new\nline')" ;;
slow) mkdir -p a/b; chmod 555 a; exec sleep 60 ;;
fails) exit 3 ;;
killed) kill -9 0 ;;
orphans) for n in 1 2 3; do setsid sh -c 'while :; do mkdir -p "$TMPDIR/x/$$"; date >"$TMPDIR/x/$$/file"; done' & done
	until [ -e x ]; do :; done ;;
removed) cd /; rm -r "$TMPDIR" ;;
esac
echo "$TMPDIR"
`

// Each event has its own folder, of which nothing is left after the event,
// however it ended.
func TestTempFolder(t *testing.T) {
	inEachWay(t, untidy, []string{perEvent, "BOOTSTRAP_TIMEOUT=5s"}, func(t *testing.T, f *trial) {
		f.tidies(t)
		if log := f.logged(t); strings.Contains(log, "[WARN]") || strings.Contains(log, "[ERROR]") {
			t.Errorf("got the log %s", log)
		}
		if got := entries(t, f.tmp); got != 0 {
			t.Errorf("%d files are left", got)
		}
	})
}

func (f *trial) tidies(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, event := range []string{"deep", "links", "slow", "fails", "orphans", "killed", "removed", "nothing"} {
		out := f.invoke(t, event)
		folder := strings.TrimSpace(string(out.Body))
		switch {
		case event == "slow" || event == "fails" || event == "killed":
			if out.Kind != emulator.Failure {
				t.Errorf("%s: got %v %.300q, want a failure", event, out.Kind, out.Body)
			}
		case out.Kind != emulator.Result || !f.holds(folder) || seen[folder]:
			t.Errorf("%s: got %v %.300q, want a new folder in %s", event, out.Kind, out.Body, f.tmp)
		}
		seen[folder] = true
		f.onlyNext(t, event)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "bin")); err != nil {
		t.Errorf("what a link led to is gone: %v", err)
	}
}

// holds reports whether a folder is the folder of an event, inside the folder of the
// run.
func (f *trial) holds(folder string) bool {
	run := filepath.Dir(folder)
	return filepath.Dir(run) == f.tmp && strings.HasPrefix(filepath.Base(run), "bootstrap-run-")
}

// inRuns lists the files of runs in the temp folder, and everything else there.
func inRuns(tmp string) []string {
	below, _ := filepath.Glob(filepath.Join(tmp, "bootstrap-run-*", "*")) // the pattern is good
	beside, _ := filepath.Glob(filepath.Join(tmp, "*"))
	return append(below, slices.DeleteFunc(beside, func(path string) bool {
		return strings.HasPrefix(filepath.Base(path), "bootstrap-run-")
	})...)
}

// onlyNext checks that soon only the folder of the next event exists, and is empty.
func (f *trial) onlyNext(t *testing.T, after string) {
	t.Helper()
	until(t, "after "+after+" only an empty folder is left", func() bool {
		found := inRuns(f.tmp) // listed files may have been removed meanwhile
		if len(found) != 1 {
			return false
		}
		inside, err := os.ReadDir(found[0])
		return err == nil && len(inside) == 0
	})
}

// Read-only folders are removed, too, even if the user is not root.
func TestTempFolderNotRoot(t *testing.T) {
	nobody := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	if out, err := exec.Command(nobody[0], append(nobody[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine lets no test run as nobody: %v %s", err, out)
	}
	for _, way := range []string{"stdin", "standby", "function", "worker"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way, protocol.SCF, untidy, []string{perEvent, "BOOTSTRAP_TIMEOUT=5s", "PATH=" + platformPath}, nobody...)
			for _, folder := range []string{filepath.Dir(bootstrap), filepath.Dir(f.dir), filepath.Dir(f.tmp)} {
				if err := os.Chmod(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(f.tmp, 0o777); err != nil {
				t.Fatal(err)
			}
			f.tidies(t)
		})
	}
}

// The languages' own functions for temporary files use the folder.
func TestTempFolderLanguages(t *testing.T) {
	for language, row := range map[string]struct{ file, code string }{
		"python": {"index.py", `
import os, shutil, subprocess, tempfile
tempfile.gettempdir()  # asked before the first event
def main_handler(event, context):
    fd, path = tempfile.mkstemp()
    os.close(fd)
    made = tempfile.mkdtemp()
    child = subprocess.check_output(["sh", "-c", "echo $TMPDIR"]).decode().strip()
    return [tempfile.gettempdir(), os.path.dirname(path), os.path.dirname(made), child, os.environ["TMPDIR"]]
`},
		"node": {"index.js", `
const fs = require('fs'), os = require('os'), path = require('path');
os.tmpdir();
exports.main_handler = () => {
	const made = fs.mkdtempSync(path.join(os.tmpdir(), 'x-'));
	const child = require('child_process').execSync('echo $TMPDIR').toString().trim();
	return [os.tmpdir(), path.dirname(made), child, process.env.TMPDIR, os.tmpdir()];
};
`},
		"bash": {"index.sh", `main_handler() { made=$(mktemp); d=$(dirname "$made"); child=$(sh -c 'echo $TMPDIR')
			printf '["%s","%s","%s"]' "$d" "$child" "$TMPDIR"; }`},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			f := &trial{way: language, tmp: t.TempDir(), dir: t.TempDir(), log: &locked.Buffer{}}
			write(t, f.dir, row.file, row.code, 0o644)
			_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: f.dir, Timeout: patience,
				Env: []string{perEvent, "TMPDIR=" + f.tmp}}, f.log)
			seen := map[string]bool{}
			for range 3 {
				var folders []string
				if err := json.Unmarshal([]byte(succeeds(t, runner, "{}")), &folders); err != nil {
					t.Fatal(err)
				}
				for _, folder := range folders {
					if folder != folders[0] || !f.holds(folder) || seen[folder] {
						t.Errorf("got %q, want one new folder below %s", folders, f.tmp)
						break
					}
				}
				seen[folders[0]] = true
				f.onlyNext(t, "the event")
			}
		})
	}
}

// A child that a function did not wait for keeps writing while the host keeps
// running. It is killed, and its folder is removed.
func TestTempFolderOfChildren(t *testing.T) {
	const writes = `while :; do mkdir -p "$TMPDIR/x/$$"; date >"$TMPDIR/x/$$/file"; done`
	for language, row := range map[string]struct{ file, code string }{
		"python": {"index.py", "import os, subprocess, time\ndef main_handler(event, context):\n    subprocess.Popen(['sh', '-c', '''" + writes + "'''])\n" +
			"    while not os.path.exists(os.environ['TMPDIR'] + '/x'): time.sleep(0.01)\n"},
		"node": {"index.js", "exports.main_handler = async () => {\n	require('child_process').spawn('sh', ['-c', `" + writes + "`]);\n" +
			"	while (!require('fs').existsSync(process.env.TMPDIR + '/x')) await new Promise((done) => setTimeout(done, 10));\n};\n"},
		"bash": {"index.sh", "main_handler() { sh -c '" + writes + "' & until [ -e $TMPDIR/x ]; do :; done; }"},
	} {
		t.Run(language, func(t *testing.T) {
			if sandbox.around.noProc && language != "bash" {
				t.Skip("NOT TESTED: without /proc, bootstrap does not see the child of a host")
			}
			t.Parallel()
			f := &trial{way: language, tmp: t.TempDir(), dir: t.TempDir(), log: &locked.Buffer{}}
			write(t, f.dir, row.file, row.code, 0o644)
			_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: f.dir, Timeout: patience,
				Env: []string{perEvent, "TMPDIR=" + f.tmp}}, f.log)
			for range 10 {
				succeeds(t, runner, "{}")
				f.onlyNext(t, "the event")
			}
			runner.Stop()
			if got := entries(t, f.tmp); got != 0 || strings.Contains(f.log.String(), "cannot remove") {
				t.Errorf("%d files are left: %s", got, f.log)
			}
		})
	}
}

// Events at the same time have different folders.
func TestTempFolderCrowd(t *testing.T) {
	for i, way := range []string{"stdin", "standby", "function", "python", "node", "worker"} {
		if !effort.HasTurn(i, 2) {
			continue
		}
		t.Run(way, func(t *testing.T) {
			f := parallel(t, way, protocol.Lambda, 4, itsFolder+`mkdir "$TMPDIR/mine" || exit 9; sleep 0.2; ls "$TMPDIR" | wc -l; rmdir "$TMPDIR/mine"; echo "$TMPDIR"`, perEvent, "BOOTSTRAP_LOG_LEVEL=warn")
			seen := map[string]bool{}
			outs := make(chan emulator.Outcome)
			for range 24 {
				go func() {
					out, _ := f.runner.Invoke(t.Context(), emulator.Event{Body: f.kind().event("{}")}) // its kind tells
					outs <- out
				}()
			}
			for range 24 {
				out := <-outs
				count, folder, _ := strings.Cut(strings.TrimSpace(string(out.Body)), "\n")
				if out.Kind != emulator.Result || strings.TrimSpace(count) != "1" || !f.holds(folder) || seen[folder] {
					t.Errorf("got %v %.300q, want a new folder", out.Kind, out.Body)
				}
				seen[folder] = true
			}
			if log := f.logged(t); log != "" {
				t.Errorf("got the log %s", log)
			}
			if got := entries(t, f.tmp); got != 0 {
				t.Errorf("%d files are left", got)
			}
		})
	}
}

// The next bootstrap removes the files of a killed one, and nothing else.
func TestTempFolderKilled(t *testing.T) {
	for _, way := range triedWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way.name, protocol.SCF, untidy, []string{perEvent})
			write(t, f.tmp, "bootstrap-run-notes", "", 0o644)
			done := f.untilSlow(t)
			signal(t, pidOf(f.runner), syscall.SIGKILL)
			<-done
			f.invoke(t, "nothing")
			until(t, "only its own folder is left", func() bool { return len(inRuns(f.tmp)) == 1 })
			f.runner.Stop()
			if got := names(t, f.tmp); !slices.Equal(got, []string{".", "bootstrap-run-notes"}) {
				t.Errorf("left are %q", got)
			}
		})
	}
}

// untilSlow sends an event that does not end, and returns once it has written a
// file.
func (f *trial) untilSlow(t *testing.T) (done chan bool) {
	t.Helper()
	done = make(chan bool)
	go func() {
		f.invokeAnyhow("slow")
		close(done)
	}()
	until(t, "the event writes", func() bool {
		written, _ := filepath.Glob(filepath.Join(f.tmp, "*", "*", "a", "b"))
		return len(written) == 1
	})
	return done
}

// A bootstrap that starts leaves the files of others alone, even in another PID
// namespace with the same temp folder: two containers of a Pod may share one.
func TestTempFolderShared(t *testing.T) {
	apart := []string{"unshare", "--pid", "--fork", "--kill-child"}
	possible(t, append(apart, "true")...)
	for name, row := range map[string]struct{ env, held string }{
		"folder":   {perEvent, "*/*/held"},
		"file":     {"BOOTSTRAP_DELIVERY=file", "*/*"},
		"env file": {`BOOTSTRAP_INIT_COMMAND=until [ -e "$TMPDIR/go" ]; do sleep 0.01; done`, "*/*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmp, dir := t.TempDir(), t.TempDir()
			write(t, dir, "tool", "#!/bin/sh\ndate >\"$TMPDIR/held\"; until [ -e "+tmp+"/go ]; do sleep 0.01; done; echo ok\n", 0o755)
			fn := emulator.Function{Handler: "tool", Dir: dir, Timeout: patience, Env: []string{"TMPDIR=" + tmp, row.env}}
			_, first := start(t, protocol.SCF, fn, nil)
			out := make(chan emulator.Outcome, 1)
			go func() {
				got, _ := first.Invoke(context.Background(), emulator.Event{Body: []byte("{}")}) // its kind tells
				out <- got
			}()
			var held []string
			until(t, "the first is at work", func() bool {
				held, _ = filepath.Glob(filepath.Join(tmp, row.held))
				return len(held) == 1
			})
			itsOwn := t.TempDir() // the families of both must differ
			if err := os.Symlink(tmp, filepath.Join(itsOwn, "tmp")); err != nil {
				t.Fatal(err)
			}
			_, second := start(t, protocol.SCF, emulator.Function{Dir: itsOwn, Timeout: patience,
				Env: []string{"TMPDIR=" + itsOwn + "/tmp", perEvent, "BOOTSTRAP_COMMAND=true"}}, nil, apart...)
			if got, err := second.Invoke(t.Context(), emulator.Event{Body: []byte("{}")}); err != nil || got.Kind != emulator.Result {
				t.Fatalf("got %v %s, %v from the second", got.Kind, got.Body, err)
			}
			if _, err := os.Stat(held[0]); err != nil {
				t.Errorf("what the first uses is gone: %v", err)
			}
			write(t, tmp, "go", "", 0o644)
			if got := <-out; got.Kind != emulator.Result {
				t.Errorf("got %v %s from the first, want a result", got.Kind, got.Body)
			}
		})
	}
}

func (f *trial) invokeAnyhow(event string) {
	_, _ = f.runner.Invoke(context.Background(), emulator.Event{Body: f.kind().event(event)}) // it is killed
}

// smallTemp runs a command with a TMPDIR of 128 KB.
func smallTemp(t *testing.T) []string {
	t.Helper()
	small := []string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs -o size=128k none "$TMPDIR" && exec "$@"`, "sh"}
	cmd := exec.Command(small[0], append(small[1:], "true")...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine lets no test mount a small temp folder: %v %s", err, out)
	}
	return small
}

// The same holds for an init command.
func TestC13SaidInFailedStart(t *testing.T) {
	f := begin(t, "stdin", protocol.Lambda, "echo ok", []string{"BOOTSTRAP_INIT_COMMAND=head -c 200000 /dev/zero >$TMPDIR/large || exit 3"}, smallTemp(t)...)
	out := f.invoke(t, "{}")
	if message := "exit status 3: head: error writing 'standard output': No space left on device (the temp folder " + f.tmp + " is full)"; out.Kind != emulator.InitFailed || !strings.Contains(string(out.Body), message) {
		t.Errorf("got %v %s, want a failed start with %s", out.Kind, out.Body, message)
	}
}

// If a command fails because nothing can be written, the failure says so. With
// a folder for each event, the next event succeeds.
func TestC13SaidInFailure(t *testing.T) {
	small := smallTemp(t)
	const code = itsFolder + `case $(event) in fill) head -c 200000 /dev/zero >$TMPDIR/large || { echo "cannot go on" >&2; exit 3; };; *) echo ok;; esac`
	for _, way := range triedWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way.name, protocol.SCF, code, []string{perEvent}, small...)
			message := "the temp folder " + f.tmp + " is full"
			if way.host != "" { // when the host exits, its open files are removed, which makes room
				message = "No space left on device"
			}
			for range 3 {
				f.fails(t, "fill", "Function.ExitError", "exit status 3", message)
				f.succeeds(t, "go on", "ok\n")
			}
		})
	}
}
