package integration

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"

	"golang.org/x/sys/unix"
)

var asTerminal = []string{"BOOTSTRAP_PTY=true"}

// With a terminal for its log, a program that buffers its output to pipes shows
// each line at once.
func TestP14LinesAtOnce(t *testing.T) {
	if !inPath("python3") {
		t.Skip("NOT TESTED: this machine has no python3")
	}
	const code = "import os, time\nprint('begun')\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\nos.write(3, b'done')\n"
	w := named("stdin")
	fn := w.install(t, "#!/usr/bin/env python3\n"+code)
	fn.Timeout, fn.Env = patience, append(fn.Env, "BOOTSTRAP_RESULT=fd3", "BOOTSTRAP_PTY=true", "BOOTSTRAP_LOG_LEVEL=error")
	f := &trial{way: w.name, dir: fn.Dir, log: &locked.Buffer{}}
	f.server, f.runner = start(t, protocol.SCF, fn, f.log)
	outcome := f.invokeIn(t, "{}")
	until(t, "the line is in the log", func() bool { return f.log.String() == "begun\n" })
	write(t, f.dir, "go", "", 0o644)
	if out := <-outcome; out.Kind != emulator.Result || string(out.Body) != "done" {
		t.Errorf("got %v %q, want done", out.Kind, out.Body)
	}
}

// Output through a terminal arrives unchanged, and results do not go through
// one.
func TestP14Bytes(t *testing.T) {
	const text = "one\ntwo\r\n\ttab\r\x1b[31mred\x1b[0m\x03\x04\x11\x13\x1a\x7f\x00\xff\n\n"
	inEachWay(t, `cat bytes; [ -t 2 ] && ! [ -t 1 ] && cat bytes >&2`, asTerminal, func(t *testing.T, f *trial) {
		write(t, f.dir, "bytes", text, 0o644)
		for range 3 {
			f.succeeds(t, "{}", text)
		}
		if got := f.logged(t); got != strings.Repeat(text, 3) {
			t.Errorf("got the log %q, want %q three times", got, text)
		}
	})
}

// Without the option there is no terminal.
func TestP14NoTerminal(t *testing.T) {
	inEachWay(t, `[ ! -t 0 ] && [ ! -t 1 ] && [ ! -t 2 ]`, nil, func(t *testing.T, f *trial) { f.succeeds(t, "{}", "") })
}

// A terminal loses no more than a pipe: no byte of a long line (P01), and no
// last line (P03).
func TestP14NothingIsLost(t *testing.T) {
	inEachWay(t, `case $(event) in long) head -c 3000000 /dev/zero | tr '\0' x >&2 ;; *) echo "last words" >&2; exit 3 ;; esac`, asTerminal, func(t *testing.T, f *trial) {
		f.succeeds(t, "long", "")
		times := f.kind().times(effort.Repeats(40))
		for range times {
			f.fails(t, "fail", "Function.ExitError", "last words")
		}
		if got := f.logged(t); strings.Count(got, "x") != 3_000_000 || strings.Count(got, "last words\n") != times {
			t.Errorf("got %d bytes and %d last words in the log, want 3000000 and %d", strings.Count(got, "x"), strings.Count(got, "last words\n"), times)
		}
	})
}

// All leftovers of an event are killed, and the next event has a terminal, too.
func TestP14Leftovers(t *testing.T) {
	inEachWay(t, "sleep 300 & setsid sleep 300 & [ -t 2 ] && echo ok", asTerminal, func(t *testing.T, f *trial) {
		for range 3 {
			f.succeeds(t, "{}", "ok\n")
		}
		f.leavesNothing(t)
	})
}

// After Ctrl-C in a terminal, bootstrap answers the running event and exits with
// status 0. The terminal does not suspend any process.
func TestR14InATerminal(t *testing.T) {
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			fn := w.function(t, "echo begun >&2; sleep 0.5; echo done; echo noise >/dev/tty")
			server, err := emulator.New(protocol.SCF, fn)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			keys, screen, cmd := inTerminal(t, server, fn.Dir)
			log := &locked.Buffer{}
			go func() { _, _ = io.Copy(log, keys) }() // ends with the terminal
			exited := server.Start()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			screen.Close()
			go func() { // ends when the code has begun, or after the test's patience
				until(t, "the code has begun", func() bool { return strings.Contains(log.String(), "begun") })
				_, _ = keys.WriteString("\x03") // the outcome shows a failure
			}()
			out, err := server.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
			if err != nil || out.Kind != emulator.Result || strings.TrimSpace(string(out.Body)) != "done" {
				t.Errorf("got %v %s, %v, want done", out.Kind, out.Body, err)
			}
			there := tree(cmd.Process.Pid)
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v, want exit status 0: %s", err, log)
			}
			exited("")
			for _, p := range there {
				until(t, p.name+" is gone", p.gone)
			}
		})
	}
}

// inTerminal starts bootstrap in a new controlling terminal.
func inTerminal(t *testing.T, server *emulator.Server, dir string) (keys, screen *os.File, cmd *exec.Cmd) {
	t.Helper()
	keys, screen = openTerminal(t)
	cmd = exec.Command(bootstrap)
	cmd.Env, cmd.Dir = server.Environment(), dir
	controlledBy(cmd, screen)
	return keys, screen, cmd
}

// controlledBy makes a terminal the controlling terminal of cmd.
func controlledBy(cmd *exec.Cmd, screen *os.File) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// openTerminal opens a new terminal. It returns the person's end and the programs'
// end.
func openTerminal(t *testing.T) (keys, screen *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("NOT TESTED: this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(ptsOf(t, keys), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return keys, screen
}

// ptsOf returns the path of the programs' end of a terminal.
func ptsOf(t *testing.T, keys *os.File) string {
	t.Helper()
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return "/dev/pts/" + strconv.Itoa(number)
}

// invokeIn sends an event from a goroutine, and returns a channel for the
// outcome.
func (f *trial) invokeIn(t *testing.T, event string) <-chan emulator.Outcome {
	outcome := make(chan emulator.Outcome, 1)
	go func() { // ends with the event
		out, err := f.runner.Invoke(context.Background(), emulator.Event{Body: f.kind().event(event)})
		if err != nil {
			t.Error(err)
		}
		outcome <- out
	}()
	return outcome
}
