package integration

import (
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A crew is bootstrap with a function and its sidecars. Only the test stops it, and no
// emulator kills the processes that it leaves.
type crew struct {
	server         *emulator.Server
	cmd            *exec.Cmd
	over           chan struct{} // closed when it has exited
	dir, tmp       string
	kin            kinship
	in             profile
	stdout, stderr locked.Buffer
	out, log       io.Writer // get stdout and stderr instead; nil: nothing does
}

// beginCrew starts a new crew.
func beginCrew(t *testing.T, p *protocol.Platform, fn emulator.Function, procfile string, env ...string) *crew {
	t.Helper()
	c := newCrew(t, p, fn, procfile, env...)
	c.run(t)
	return c
}

// newCrew prepares a crew that runs fn beside the commands of a Procfile, or without
// sidecars if procfile is empty. Processes whose pids are in the file pids, one on
// each line, must be gone at the end of the test.
func newCrew(t *testing.T, p *protocol.Platform, fn emulator.Function, procfile string, env ...string) *crew {
	t.Helper()
	c := &crew{dir: fn.Dir, tmp: t.TempDir(), over: make(chan struct{})}
	if procfile != "" {
		write(t, fn.Dir, "Procfile", procfile, 0o644)
		write(t, fn.Dir, "sidecar.py", sidecar, 0o644)
		env = append([]string{"BOOTSTRAP_SIDECARS=Procfile"}, env...)
	}
	fn.Timeout = patience
	fn.Env = slices.Concat([]string{"TMPDIR=" + c.tmp}, fn.Env, env)
	c.in, c.kin = profileIn(runtimeCommand()), kinshipOfFunction(fn, 0)
	c.in.around.open(t, fn)
	var err error
	if c.server, err = emulator.New(p, fn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.server.Close() })
	return c
}

func (c *crew) run(t *testing.T) {
	t.Helper()
	command := runtimeCommand()
	c.cmd = exec.Command(command[0], command[1:]...)
	c.cmd.Dir, c.cmd.Env = c.dir, c.server.Environment()
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if c.out != nil {
		c.cmd.Stdout = c.out
	}
	if c.log != nil {
		c.cmd.Stderr = c.log
	}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Second // for leftovers that hold our pipes
	exited := c.server.Start()
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.kin.brand = brandBy(c.cmd.Process.Pid)
	go func() { // ends with bootstrap
		_ = c.cmd.Wait() // ProcessState has the result
		exited(c.cmd.ProcessState.String())
		close(c.over)
	}()
	t.Cleanup(func() {
		c.in.neighbourly(t, c.dir, c.server.Stats().Instances, func() bool { return !gone(c.cmd.Process.Pid) })
		for _, p := range slices.Backward(tree(c.cmd.Process.Pid)) {
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // an error means that it has exited
		}
		<-c.over
		c.noneLeft(t)
	})
}

// stop sends SIGTERM.
func (c *crew) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// ends checks that bootstrap exits within the limit, with that status, and leaves no
// process behind.
func (c *crew) ends(t *testing.T, limit time.Duration, status int) {
	t.Helper()
	select {
	case <-c.over:
	case <-time.After(limit):
		t.Fatalf("it runs on after %v: %v\n%s", limit, tree(c.cmd.Process.Pid), c.stderr.String())
	}
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("it ended with %v, want exit status %d\n%s", c.cmd.ProcessState, status, c.stderr.String())
	}
	c.noneLeft(t)
	c.kin.extinct(t)
}

// noneLeft checks that the processes in the file pids are gone.
func (c *crew) noneLeft(t *testing.T) {
	t.Helper()
	for _, pid := range lines(t, c.dir, "pids") {
		if pid := c.outside(pid); alive(pid) {
			t.Errorf("process %d is left", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// pid returns the runtime's pid.
func (c *crew) pid() int { return runtimeBelow(c.cmd.Process.Pid) }

// outside returns our pid of a process that has another pid in the runtime's
// namespace.
func (c *crew) outside(pid string) int {
	if c.cmd == nil {
		return outside(0, pid)
	}
	return outside(c.pid(), pid)
}

func (c *crew) outsides(pids []string) (ours []int) {
	for _, pid := range pids {
		ours = append(ours, c.outside(pid))
	}
	return ours
}

// alive reports whether a process runs. A killed process may be a zombie for a while,
// until init reaps it.
func alive(pid int) bool {
	deadline := time.Now().Add(time.Second)
	for !gone(pid) {
		if time.Now().After(deadline) {
			return true
		}
		time.Sleep(5 * time.Millisecond) // between looks, bounded above
	}
	return false
}

// ask sends an event, and does not wait for its outcome.
func (c *crew) ask(t *testing.T, event string) <-chan emulator.Outcome {
	t.Helper()
	outcome := make(chan emulator.Outcome, 1)
	go func() { // ends with the event, or the server
		defer close(outcome)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if out, err := c.server.Invoke(ctx, emulator.Event{Body: []byte(event)}); err == nil {
			outcome <- out
		}
	}()
	return outcome
}

// succeeds checks that an event has that result.
func (c *crew) succeeds(t *testing.T, event, result string) {
	t.Helper()
	if out := <-c.ask(t, event); out.Kind != emulator.Result || strings.TrimSpace(string(out.Body)) != result {
		t.Errorf("got %v %q %s, want %q\n%s", out.Kind, out.Body, out.Reason, result, c.stderr.String())
	}
}

// isFailure checks that an outcome is a posted failure with the texts in its message,
// and with that type unless it is empty.
func isFailure(t *testing.T, out emulator.Outcome, kind string, texts ...string) {
	t.Helper()
	var got posted
	if err := json.Unmarshal(out.Body, &got); err != nil || kind != "" && got.Type != kind {
		t.Errorf("got %v %q, %v, want a failure of type %s", out.Kind, out.Body, err, kind)
	}
	tells(t, got.Message, texts...)
}

func tells(t *testing.T, message string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(message, text) {
			t.Errorf("got %q, want %q in it", message, text)
		}
	}
}

// notes waits until the file order has n lines, and returns them.
func (c *crew) notes(t *testing.T, n int) []string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for len(lines(t, c.dir, "order")) < n {
		if time.Now().After(deadline) {
			t.Fatalf("got the notes %q, want %d\n%s", lines(t, c.dir, "order"), n, c.stderr.String())
		}
		time.Sleep(5 * time.Millisecond) // between looks, bounded above
	}
	return lines(t, c.dir, "order")
}

// notStarted starts the crew, whose start must fail for the reason, and checks
// that the user of the platform can see it.
func (c *crew) notStarted(t *testing.T, p *protocol.Platform, status int, kind string, texts ...string) {
	t.Helper()
	runner := emulator.NewRunner(c.server, runtimeCommand("/bin/sh", "-c", `"$0" "$@"; echo $? >status`), &c.stdout, &c.stderr)
	defer func() {
		c.in.neighbourly(t, c.dir, c.server.Stats().Instances, func() bool { return false })
		runner.Stop()
	}()
	out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(t, c.dir, "status"); !slices.Equal(got, []string{strconv.Itoa(status)}) {
		t.Errorf("got the exit status %q, want %d\n%s", got, status, c.stderr.String())
	}
	c.noneLeft(t)
	if out.Kind != emulator.InitFailed {
		t.Errorf("got %v %q, want a failed start", out.Kind, out.Body)
	}
	tells(t, c.stderr.String(), texts...)
	if p.InitError != "" {
		isFailure(t, out, kind, texts...)
	}
	if n := strings.Count(c.stderr.String(), "cannot start: "+kind); n > 1 {
		t.Errorf("got %s %d times, want the reason once:\n%s", kind, n, c.stderr.String())
	}
	if got := c.stdout.String(); got != "" {
		t.Errorf("got %q on stdout, want nothing: the reason is on stderr", got)
	}
}
