package process

import (
	"bytes"
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/effort"

	"golang.org/x/sys/unix"
)

// A terminalOutput collects the stdout and stderr of a command, both terminals.
type terminalOutput struct{ stdout, stderr bytes.Buffer }

func addTerminals(c *Command) *terminalOutput {
	s := &terminalOutput{}
	c.Outputs = []io.Writer{Terminal{&s.stdout}, Terminal{&s.stderr}}
	return s
}

// run runs a command to its end.
func (s *terminalOutput) run(t *testing.T, c *Command) Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	exit, err := Run(ctx, c, 0)
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

// Bytes arrive through the terminal unchanged.
func TestTerminalBytes(t *testing.T) {
	for name, input := range map[string][]byte{
		"none":             {},
		"a line":           []byte("line\n"),
		"no newline":       []byte("text"),
		"lines":            []byte("a\nb\r\nc\r\r\n\n"),
		"all bytes":        everyByte(),
		"control":          []byte("\x03\x04\x11\x13\x1a\x1c\x7f\x00\x15\x17"),
		"tabs and colours": []byte("\ta\tb\x1b[1;31mred\x1b[0m\b\f\v"),
		"no UTF-8":         []byte("\xff\xfe\xc3"),
		"a long line":      bytes.Repeat([]byte("x"), 300_000),
		"6 MB":             randomBytes(6 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			c := &Command{Path: "/bin/sh", Args: []string{"sh", "-c", "tee /proc/self/fd/2"}, Env: os.Environ(), Input: input}
			s := addTerminals(c)
			if exit := s.run(t, c); exit.Cause != nil || exit.Status != exited0 {
				t.Errorf("got %+v, want exit status 0", exit)
			}
			for _, got := range []*bytes.Buffer{&s.stdout, &s.stderr} {
				if !bytes.Equal(got.Bytes(), input) {
					t.Errorf("got %d bytes %.100q, want the same %d", got.Len(), got.Bytes(), len(input))
				}
			}
		})
	}
}

// A terminal is a terminal for the child, only where it was asked for, and
// never a controlling one.
func TestTerminalIsOne(t *testing.T) {
	checkLeaks(t)
	c := shell(`for fd in 0 1 2 3; do [ -t $fd ] && is="$is$fd"; done; echo "is $is" >&3; (: </dev/tty) 2>/dev/null || echo none >&3`)
	has := func() bool { // a controlling terminal, from the parent of the tests
		tty, err := os.Open("/dev/tty")
		_ = tty.Close() // of nil: an error
		return err == nil
	}
	already := has()
	var stdout, stderr, more bytes.Buffer
	c.Outputs = []io.Writer{Terminal{&stdout}, Terminal{&stderr}, &more}
	if _, err := Run(t.Context(), c, 0); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(more.String()); strings.Join(got[:2], " ") != "is 12" {
		t.Errorf("got %q, want is 12", more.String())
	}
	if !already && (!strings.HasSuffix(more.String(), "none\n") || has()) {
		t.Errorf("got %q, and %v for ourselves, want no controlling terminal", more.String(), has())
	}
}

// Exit statuses are the same with a terminal.
func TestTerminalExits(t *testing.T) {
	checkLeaks(t)
	for _, status := range []int{0, 1, 3, 126, 127, 255} {
		c := shell("echo out; echo log >&2; exit " + strconv.Itoa(status))
		s := addTerminals(c)
		if exit := s.run(t, c); exit.Cause != nil || exit.Status.ExitStatus() != status {
			t.Errorf("got %+v, want exit status %d", exit, status)
		}
		if s.stdout.String() != "out\n" || s.stderr.String() != "log\n" {
			t.Errorf("got %q and %q", s.stdout.String(), s.stderr.String())
		}
	}
	c := shell("echo out; kill -9 $$")
	s := addTerminals(c)
	if exit := s.run(t, c); exit.Status != killed || s.stdout.String() != "out\n" {
		t.Errorf("got %+v, %q, want signal 9", exit, s.stdout.String())
	}
}

// Output before the exit is never lost, though only the exit shows that it is
// complete.
func TestTerminalOutputBeforeExit(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(200) {
		c := shell("echo first; echo last words >&2; exit 3")
		s := addTerminals(c)
		if exit := s.run(t, c); exit.Status.ExitStatus() != 3 || s.stdout.String() != "first\n" || s.stderr.String() != "last words\n" {
			t.Fatalf("got %+v, %q, %q", exit, s.stdout.String(), s.stderr.String())
		}
	}
}

// Output that was written before an answer arrives with the answer.
func TestTerminalBeforeAnAnswer(t *testing.T) {
	checkLeaks(t)
	c := shell(`while read -r l; do printf '%0999d\n' 1; printf '%03999d\n' 2 >&2; echo $l >&3; done`)
	c.Open = true
	var stdout, stderr, answer bytes.Buffer
	c.Outputs = []io.Writer{Terminal{&stdout}, Terminal{&stderr}, &answer}
	p := start(t, c)
	for range 200 {
		p.Give([]byte("event\n"))
		pumpUntil(t, p, func() bool { return answer.Len() > 0 })
		if stdout.Len() != 1000 || stderr.Len() != 4000 || answer.String() != "event\n" {
			t.Fatalf("got %d and %d bytes before %q, want 1000 and 4000", stdout.Len(), stderr.Len(), answer.String())
		}
		stdout.Reset()
		stderr.Reset()
		answer.Reset()
	}
	p.CloseInput()
	if exit := p.Wait(t.Context(), nil); exit.Cause != nil || exit.Status != exited0 {
		t.Errorf("got %+v", exit)
	}
}

// Nobody waits for another process that holds the terminal.
func TestTerminalHeld(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	c := shell("setsid sleep 60 & echo out")
	s := addTerminals(c)
	mustNotWait(t, func() {
		if exit := s.run(t, c); exit.Status != exited0 || s.stdout.String() != "out\n" {
			t.Errorf("got %+v, %q", exit, s.stdout.String())
		}
	})
	processes.killLeftovers(Anybody, bound)
}

// The Pump waits for a child that closes its terminals and keeps running.
func TestTerminalClosed(t *testing.T) {
	checkLeaks(t)
	c := shell("echo out; exec >&- 2>&- ; sleep 0.05; exit 4")
	s := addTerminals(c)
	if exit := s.run(t, c); exit.Cause != nil || exit.Status.ExitStatus() != 4 || s.stdout.String() != "out\n" {
		t.Errorf("got %+v, %q", exit, s.stdout.String())
	}
}

// An Output that fails stops the command here, too.
func TestTerminalOutputFails(t *testing.T) {
	checkLeaks(t)
	c := shell("trap '' TERM HUP; while :; do echo too much; done")
	c.Outputs = []io.Writer{Terminal{&limitedOutput{5}}, io.Discard}
	mustNotWait(t, func() {
		if exit, err := Run(t.Context(), c, 20*time.Millisecond); err != nil || exit.Cause != errLimit {
			t.Errorf("got %+v, %v, want %v", exit, err, errLimit)
		}
	})
}

// Without descriptors for a terminal, or for pipes, the command does not start,
// and the error says why.
func TestTerminalWithoutDescriptors(t *testing.T) {
	checkLeaks(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	lower := limit
	for lower.Cur = 4; ; lower.Cur++ {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lower); err != nil {
			t.Fatal(err)
		}
		c := shell("echo out")
		s := addTerminals(c)
		exit, err := Run(t.Context(), c, 0)
		if err == nil {
			if exit.Status != exited0 || s.stdout.String() != "out\n" {
				t.Errorf("got %+v, %q", exit, s.stdout.String())
			}
			return
		}
		if lower.Cur > 1000 {
			t.Fatalf("limit %d: %v", lower.Cur, err)
		}
	}
}
