package adapters

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/sandboxtest"
	"bootstrap/protocol"
	"bootstrap/supervisor"

	"github.com/hashicorp/go-hclog"
)

// TestMain makes this process adopt the orphans of handlers, as bootstrap does,
// and hides the descriptors that it inherited from them.
func TestMain(m *testing.M) {
	const setChildSubreaper = 36
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		panic(errno)
	}
	for _, fd := range descriptors() {
		if fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(sig) { // by nohup, or in the background of a script: commands would ignore it, too
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	remove := startPlainly()
	status := m.Run()
	remove()
	os.Exit(status)
}

// descriptors returns the open descriptors of this process.
func descriptors() (fds []int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		fds = append(fds, fd)
	}
	return fds
}

// patience bounds a wait that takes milliseconds on an idle machine.
const patience = 20 * time.Second

// files holds the text of each file of a code folder by its name.
type files map[string]string

// folder writes files. Those that begin with #! are executable.
func folder(t *testing.T, fs files) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range fs {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A setup holds everything that an adapter needs.
type setup struct {
	Settings
	Services
}

func (s setup) adapter() supervisor.Adapter { return New(s.Settings, s.Services) }

// config returns a setup for a function with these files. Its temp folder must
// be empty at the end of the test.
func config(t *testing.T, fs files) setup {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); len(left) > 0 || err != nil {
			t.Errorf("left in the temp folder: %v %v", left, err)
		}
	})
	return setup{
		Settings{
			Platform:     protocol.Lambda,
			Dir:          folder(t, fs),
			Delivery:     Stdin,
			LogFormat:    "text",
			StartTimeout: patience,
		},
		Services{
			Getenv:  os.Getenv,
			Environ: os.Environ(),
			Stdout:  &bytes.Buffer{},
			Stderr:  &bytes.Buffer{},
			Logger:  hclog.NewNullLogger(),
		},
	}
}

// running counts the adapters that are started.
var running int

// start starts an adapter that must start. No process may be left at the end of
// the test.
func start(t *testing.T, c setup) supervisor.Adapter {
	t.Helper()
	a := c.adapter()
	running++
	t.Cleanup(func() {
		if err := a.Close(patience); err != nil {
			t.Errorf("Close: %v", err)
		}
		if running--; running == 0 {
			noneLeft(t)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		t.Fatalf("cannot start: %v", err)
	}
	return a
}

// noneLeft waits until the last child of this process is gone. A child that
// does not exit is an error.
func noneLeft(t *testing.T) {
	t.Helper()
	watch := time.AfterFunc(patience, func() {
		t.Errorf("processes left: %v", children())
		killChildren()
	})
	defer watch.Stop()
	reapAll()
}

// endOrphans kills leftovers, as the loop does after each event.
func endOrphans(keep int) {
	for _, pid := range children() {
		if pid != keep {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
}

func reapAll() {
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err == syscall.ECHILD {
			return
		}
	}
}

func killChildren() {
	for _, pid := range children() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// children returns the pids of all children, including zombies.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(field)
			pids = append(pids, pid)
		}
	}
	return pids
}

// margin is the time between the end of an event's context and its deadline.
const margin = 200 * time.Millisecond

// zombie reports whether a child has exited and is not reaped.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// dead reports whether a process has exited, reaped or not.
func dead(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err != nil || zombie(pid)
}

// await polls until a condition is true.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// newEvent returns an event that has just arrived and has plenty of time.
func newEvent(body string) *protocol.Event {
	now := time.Now()
	return &protocol.Event{ID: "id-1", Body: []byte(body), Received: now, Deadline: now.Add(patience + margin)}
}

// invoke lets an adapter serve an event that does not take long.
func invoke(t *testing.T, a supervisor.Adapter, body string) (string, *protocol.Failure) {
	t.Helper()
	return invokeEvent(t, a, newEvent(body))
}

func invokeEvent(t *testing.T, a supervisor.Adapter, ev *protocol.Event) (string, *protocol.Failure) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), ev.Received.Add(patience))
	defer cancel()
	return invokeFor(ctx, t, a, ev)
}

func invokeFor(ctx context.Context, t *testing.T, a supervisor.Adapter, ev *protocol.Event) (string, *protocol.Failure) {
	t.Helper()
	a.(supervisor.Settler).Settle() // as the loop does
	result, err := a.Invoke(ctx, ev)
	if err == nil {
		return string(result), nil
	}
	failure, ok := err.(*protocol.Failure)
	if !ok {
		t.Fatalf("not a failure, it ends the runtime: %v", err)
	}
	checkFailure(t, failure)
	return "", failure
}

// checkFailure checks that the platforms accept a failure. Every test calls it.
func checkFailure(t *testing.T, f *protocol.Failure) {
	t.Helper()
	if !strings.HasPrefix(f.Type, "Function.") && !strings.HasPrefix(f.Type, "Runtime.") {
		t.Errorf("type of a failure: got %q", f.Type)
	}
	if strings.Contains(f.Message, "\n") {
		t.Errorf("message of a failure: got more than a line: %q", f.Message)
	}
	if size := len(f.JSON()); size > 40<<10 {
		t.Errorf("failure: got %d bytes, want a few thousand", size)
	}
}

// succeeds checks a result.
func succeeds(t *testing.T, a supervisor.Adapter, body, want string) {
	t.Helper()
	got, failure := invoke(t, a, body)
	if failure != nil {
		t.Fatalf("event %s: %v\n%s", short(body), failure, strings.Join(failure.Stack, "\n"))
	}
	if got != want {
		t.Fatalf("event %s: got %s, want %s", short(body), short(got), short(want))
	}
}

// fails checks the type and the message of a failure.
func fails(t *testing.T, a supervisor.Adapter, body, kind, message string) *protocol.Failure {
	t.Helper()
	got, failure := invoke(t, a, body)
	if failure == nil {
		t.Fatalf("event %s: got the result %s, want %s: %s", short(body), short(got), kind, message)
	}
	wantFailure(t, failure, kind, message)
	return failure
}

func wantFailure(t *testing.T, got error, kind, message string) {
	t.Helper()
	f, ok := got.(*protocol.Failure)
	if !ok || f.Type != kind || !strings.Contains(f.Message, message) {
		t.Fatalf("failure: got %v, want %s: …%s…", got, kind, message)
	}
}

// short quotes a text, and shortens a long one.
func short(text string) string {
	if len(text) > 200 {
		return fmt.Sprintf("%.80q… (%d bytes)", text, len(text))
	}
	return strconv.Quote(text)
}

// allBytes returns the 256 values of a byte.
func allBytes() string {
	var b []byte
	for i := range 256 {
		b = append(b, byte(i))
	}
	return string(b)
}

// A hook is a log that calls seen once it contains a text.
type hook struct {
	bytes.Buffer
	text string
	seen func()
}

func (h *hook) Write(p []byte) (int, error) {
	n, err := h.Buffer.Write(p)
	if h.seen != nil && strings.Contains(h.String(), h.text) {
		h.seen()
		h.seen = nil
	}
	return n, err
}

// timeUp serves an event that times out as soon as the command has written "go" to
// log, the adapter's log. The command has grace to exit.
func timeUp(t *testing.T, a supervisor.Adapter, body string, log *hook, grace time.Duration) *protocol.Failure {
	t.Helper()
	until := time.Now().Add(time.Hour)
	ev := newEvent(body)
	ev.Deadline = until.Add(2 * grace)
	ctx, cancel := context.WithDeadline(t.Context(), until)
	defer cancel()
	ctx, up := context.WithCancelCause(ctx)
	log.Reset()
	log.text, log.seen = "go", func() { up(context.DeadlineExceeded) }
	got, failure := invokeFor(ctx, t, a, ev)
	if failure == nil {
		t.Fatalf("got the result %s, want a timeout", short(got))
	}
	wantFailure(t, failure, "Function.Timeout", "timed out")
	return failure
}

// Options that do not fit the kind of the handler fail the start.
func TestOptionsThatDoNotFit(t *testing.T) {
	code := files{"index.sh": "main() { :; }", "index.py": "def main(event, context): pass", "app.py": "def main(event, context): pass", "tool": "#!/bin/sh\n"}
	tests := []struct {
		name, handler string
		change        func(*setup)
		want          string
	}{
		{"a worker in bash", "index.main", func(c *setup) { c.Worker = true }, `BOOTSTRAP_ADAPTER: "main" in `},
		{"a worker in Python", "app.main", func(c *setup) { c.Worker = true }, "set BOOTSTRAP_COMMAND to the worker"},
		{"standby of a function", "app.main", func(c *setup) { c.Standby = true }, "which stays loaded anyway"},
		{"a function's event in a file", "index.main", func(c *setup) { c.Delivery = File }, "which gets its event as an argument"},
		{"an age for what does not get old", "index.main", func(c *setup) { c.MaxEvents = 1 }, "BOOTSTRAP_WORKER_MAX_EVENTS: it applies only to workers and to Python and Node functions"},
		{"a size for a program", "tool", func(c *setup) { c.MaxMemory = 1 << 20 }, "BOOTSTRAP_WORKER_MAX_MEMORY: it applies only to workers"},
		{"a descriptor for what is returned", "app.main", func(c *setup) { c.ResultFD3 = true }, "which returns its result"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, code)
			c.Handler = test.handler
			test.change(&c)
			wantFailure(t, c.adapter().Start(t.Context()), "Runtime.ConfigError", test.want)
		})
	}
}

// Without terminals the log comes through pipes, and all slots together log one
// warning.
func TestNoTerminal(t *testing.T) {
	if !sandboxtest.Run(t, sandboxtest.BareDev) {
		return
	}
	for name, c := range map[string]setup{
		"program":  config(t, files{"tool": "#!/bin/sh\ncat; [ -t 2 ] || echo pipe >&2"}),
		"function": script(t, `main() { cat; [ -t 2 ] || echo pipe >&2; }`),
	} {
		t.Run(name, func(t *testing.T) {
			c.Handler = cmp.Or(c.Handler, "tool")
			var own, log bytes.Buffer
			c.PTY, c.Init, c.Stderr = true, &Init{}, &log
			c.Logger = hclog.New(&hclog.LoggerOptions{Output: &own})
			for range 2 {
				a := start(t, c)
				succeeds(t, a, "one", "one")
				succeeds(t, a, "two", "two")
			}
			if got := log.String(); got != "pipe\npipe\npipe\npipe\n" {
				t.Errorf("got the log %q", got)
			}
			if got := own.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "[WARN]") || !strings.Contains(got, "has no terminals") || !strings.Contains(got, "/dev/ptmx") {
				t.Errorf("got %q, want one warning", got)
			}
		})
	}
}
