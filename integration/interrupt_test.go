package integration

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/locked"
	"bootstrap/internal/procfs"
	"bootstrap/protocol"
)

// An attended bootstrapctl runs in a terminal of its own.
type attended struct {
	cmd  *exec.Cmd
	keys *os.File
	said *locked.Buffer
	dir  string // the function's
	read chan struct{}
}

// attend runs bootstrapctl invoke in a terminal.
func attend(t *testing.T, dir string, args ...string) *attended {
	t.Helper()
	a := attendTool(t, nil, append([]string{"invoke", "-dir", dir}, args...)...)
	a.dir = dir
	return a
}

// attendTool runs bootstrapctl in a terminal.
func attendTool(t *testing.T, env []string, args ...string) *attended {
	t.Helper()
	return attendCommand(t, env, exec.Command(bootstrapctl, args...))
}

func attendCommand(t *testing.T, env []string, cmd *exec.Cmd) *attended {
	t.Helper()
	keys, screen := openTerminal(t)
	a := &attended{cmd: cmd, keys: keys, said: &locked.Buffer{}, read: make(chan struct{})}
	a.cmd.Env = append(append(os.Environ(), "TMPDIR="+t.TempDir()), env...)
	controlledBy(a.cmd, screen)
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.cmd.Process.Kill() }) // it may be gone
	screen.Close()
	go func() { // ends with the terminal
		defer close(a.read)
		_, _ = io.Copy(a.said, keys)
	}()
	return a
}

func (a *attended) waitFor(t *testing.T, text string) {
	t.Helper()
	until(t, text+" is on the screen", func() bool { return strings.Contains(a.said.String(), text) })
}

func (a *attended) press(t *testing.T, key string) {
	t.Helper()
	if _, err := a.keys.WriteString(key); err != nil {
		t.Fatal(err)
	}
}

// end waits for the end of bootstrapctl and returns its exit status.
func (a *attended) end(t *testing.T) int {
	t.Helper()
	var exit *exec.ExitError
	if err := a.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	<-a.read
	return a.cmd.ProcessState.ExitCode()
}

const (
	ctrlC         = "\x03"
	ctrlBackslash = "\x1c"
)

// withSidecar returns a function with a sidecar and a stop command that log
// that they run.
func withSidecar(t *testing.T, body string) string {
	t.Helper()
	dir := shellFunction(t, body)
	write(t, dir, "Procfile", "proxy: trap 'echo the sidecar stops >&2; exit' TERM; touch up; while :; do sleep 0.05; done\n", 0o644)
	write(t, dir, "bootstrap.env", "BOOTSTRAP_SIDECARS=Procfile\nBOOTSTRAP_STOP_COMMAND=echo the stop command runs >&2\nBOOTSTRAP_GRACE=1s\n", 0o644)
	return dir
}

// Ctrl-C stops the runtime as a platform does: the event may still be answered,
// the sidecars and the stop command run, and the summary is printed.
func TestInterrupt(t *testing.T) {
	for _, p := range protocol.Platforms {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			dir := withSidecar(t, `echo begun >&2; while ! [ -e go ]; do sleep 0.01; done; echo answered`)
			a := attend(t, dir, "-platform", p.Name, "-timeout", "60s", "-memory", "256")
			a.waitFor(t, "begun")
			a.press(t, ctrlC)
			a.waitFor(t, "Ctrl-C again kills it")
			write(t, dir, "go", "", 0o644)
			status := a.end(t)
			for _, text := range []string{"the sidecar stops", "the stop command runs", "ok in ", "answered"} {
				if !strings.Contains(a.said.String(), text) {
					t.Errorf("got no %q in\n%s", text, a.said)
				}
			}
			if status != 130 {
				t.Errorf("got the exit status %d, want 130", status)
			}
		})
	}
}

// A second Ctrl-C kills.
func TestInterruptTwice(t *testing.T) {
	dir := shellFunction(t, `trap '' TERM; echo begun >&2; while :; do sleep 0.05; done`)
	a := attend(t, dir, "-timeout", "60s", "-env", "BOOTSTRAP_GRACE=5s", "-env", "BOOTSTRAP_STOP_TIMEOUT=60s", "-env", "BOOTSTRAP_STOP_COMMAND=echo never >&2")
	a.waitFor(t, "begun")
	a.press(t, ctrlC)
	a.waitFor(t, "Ctrl-C again kills it")
	a.press(t, ctrlC)
	if status := a.end(t); status != 130 || !strings.Contains(a.said.String(), "killing the runtime") || strings.Contains(a.said.String(), "never") {
		t.Errorf("got the exit status %d and\n%s", status, a.said)
	}
}

// Ctrl-C during the start stops it, and nothing starts again.
func TestInterruptTheStart(t *testing.T) {
	dir := shellFunction(t, "echo never")
	write(t, dir, "index.sh", "echo loading >&2; while :; do sleep 0.05; done\n", 0o644)
	a := attend(t, dir)
	a.waitFor(t, "loading")
	a.press(t, ctrlC)
	if status := a.end(t); status != 130 || strings.Count(a.said.String(), "loading") != 1 {
		t.Errorf("got the exit status %d and\n%s", status, a.said)
	}
}

// The result is printed as soon as the event is answered, however long the stop
// takes.
func TestResultBeforeTheStop(t *testing.T) {
	dir := shellFunction(t, "echo answered")
	a := attend(t, dir, "-env", "BOOTSTRAP_STOP_COMMAND=while ! [ -e go ]; do sleep 0.01; done; echo over >&2")
	a.waitFor(t, "answered")
	write(t, dir, "go", "", 0o644)
	if status := a.end(t); status != 0 || !strings.Contains(a.said.String(), "over") {
		t.Errorf("got the exit status %d and\n%s", status, a.said)
	}
}

// TestNothingStaysBehind checks that no process and no file is left, however
// bootstrapctl exits. That includes processes that nobody can find by their
// environment, group or session.
func TestNothingStaysBehind(t *testing.T) {
	ends := map[string]func(t *testing.T, a *attended){
		"SIGKILL": func(t *testing.T, a *attended) { _ = a.cmd.Process.Kill() },
		`Ctrl-\`:  func(t *testing.T, a *attended) { a.press(t, ctrlBackslash) },
		"crash":   func(t *testing.T, a *attended) { _ = a.cmd.Process.Signal(syscall.SIGSEGV) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := shellFunction(t, `env -i setsid sh -c 'echo $$ >hidden; while :; do sleep 0.05; done' & echo $$ >shown; echo begun >&2; trap '' TERM; while :; do sleep 0.05; done`)
			a := attend(t, dir, "-timeout", "60s")
			var pids []int
			until(t, "the function runs", func() bool { pids = numbers(dir, "hidden", "shown"); return len(pids) == 2 })
			a.waitFor(t, "begun")
			pids = append(pids, procfs.Descendants(a.cmd.Process.Pid)...)
			temp := strings.TrimPrefix(a.cmd.Env[len(a.cmd.Env)-1], "TMPDIR=")
			end(t, a)
			a.end(t)
			for _, pid := range pids {
				until(t, strconv.Itoa(pid)+" is gone", func() bool { return gone(pid) })
			}
			if files, err := os.ReadDir(temp); err != nil || len(files) > 0 {
				t.Errorf("got %v, %v in the temp folder, want nothing", files, err)
			}
		})
	}
}

// numbers returns the numbers in those files that exist.
func numbers(dir string, files ...string) (all []int) {
	for _, file := range files {
		text, _ := os.ReadFile(filepath.Join(dir, file)) // not yet there
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// Orphans of a foreign runtime are killed at the end, although nothing marks
// them.
func TestInvokeSweepsOrphans(t *testing.T) {
	dir := t.TempDir()
	runtime, err := filepath.Abs("testdata/runtime.py")
	if err != nil {
		t.Fatal(err)
	}
	line := "(env -i setsid sh -c 'echo $$ >orphan; while :; do sleep 0.05; done' &); while ! [ -s orphan ]; do sleep 0.01; done; exec python3 " + runtime
	stdout, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-runtime", line)
	if stdout != "{}" || status != 0 || !strings.Contains(stderr, "left running, as the platform would: sh (") {
		t.Errorf("got %q, %d, %s", stdout, status, stderr)
	}
	for _, pid := range numbers(dir, "orphan") {
		if !gone(pid) {
			t.Errorf("%d is alive", pid)
		}
	}
}
