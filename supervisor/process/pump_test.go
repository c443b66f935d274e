package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/supervisor/logs"

	"golang.org/x/sys/unix"
)

// A residentChild answers on descriptor 3. When Pump returns, everything that
// it wrote before has arrived.
type residentChild struct {
	*Process
	requests    *os.File
	log, answer bytes.Buffer
}

func startResidentChild(t *testing.T, script string) *residentChild {
	t.Helper()
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	t.Cleanup(func() { _ = ours.Close() })
	r := &residentChild{requests: ours}
	c := shell(script)
	c.Stdin = theirs
	c.Outputs = []io.Writer{io.Discard, &r.log, &r.answer}
	r.Process = start(t, c)
	return r
}

func (r *residentChild) answered() bool { return bytes.HasSuffix(r.answer.Bytes(), []byte("\n")) }

// next waits for the next answer.
func (r *residentChild) next(ctx context.Context) (string, error) {
	if err := r.Pump(ctx, r.answered); err != nil {
		return "", err
	}
	defer r.answer.Reset()
	return r.answer.String(), nil
}

func TestPumpUntilAnswered(t *testing.T) {
	checkLeaks(t)
	r := startResidentChild(t, `while read -r l; do printf '%s' "$(head -c 60000 /dev/zero | tr '\0' x)" >&2; echo "log $l" >&2; echo "answer $l" >&3; done; exit 5`)
	for i := range 20 {
		fmt.Fprintln(r.requests, i)
		answer, err := r.next(t.Context())
		if want := fmt.Sprintf("answer %d\n", i); err != nil || answer != want {
			t.Fatalf("got %q, %v, want %q", answer, err, want)
		}
		if want := fmt.Sprintf("xlog %d\n", i); !strings.HasSuffix(r.log.String(), want) || r.log.Len() != 60000+len(want)-1 {
			t.Fatalf("got a log of %d bytes, want all with %q at its end", r.log.Len(), want)
		}
		r.log.Reset()
		if r.Exited() {
			t.Fatal("got exited, want not")
		}
	}
	_ = r.requests.Close()
	if _, err := r.next(t.Context()); err != ErrExited {
		t.Errorf("got %v, want %v", err, ErrExited)
	}
	if got := r.Stop(0); got.ExitStatus() != 5 {
		t.Errorf("got status %#x, want exit status 5", got)
	}
}

// E14: an answer counts even if the child exits right after it.
func TestPumpLastAnswer(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(300) {
		r := startResidentChild(t, "echo why >&2; echo answer >&3; exit 1")
		answer, err := r.next(t.Context())
		if err != nil || answer != "answer\n" || r.log.String() != "why\n" {
			t.Fatalf("got %q, %v, log %q; want the answer", answer, err, r.log.String())
		}
		if _, err := r.next(t.Context()); err != ErrExited {
			t.Errorf("after that: got %v, want %v", err, ErrExited)
		}
		r.Stop(0)
		_ = r.requests.Close()
	}
}

// Output of a child that has exited long ago still arrives, any amount of it.
func TestPumpAfterTheExit(t *testing.T) {
	const size = 300000
	for name, row := range map[string]struct {
		room int
		want error
	}{
		"the answer is the last thing": {size, nil},
		"an Output takes not all":      {size - 1, errLimit},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			c := shell("head -c 300000 /dev/zero; printf x >&3")
			c.Input = make([]byte, pipeSize+1) // enlarges the pipes
			room, answer := limitedOutput{row.room}, logs.Tail{}
			c.Outputs = []io.Writer{&room, io.Discard, &answer}
			p := start(t, c)
			within(t, "it has exited", p.Exited)
			done := func() bool { return room.room == 0 && answer.Total == 1 }
			if err := p.Pump(t.Context(), done); err != row.want {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

// Everything that was written before the answer arrives with it, any amount of
// it.
func TestPumpBeforeTheAnswer(t *testing.T) {
	checkLeaks(t)
	c := shell("head -c 300000 /dev/zero >&2; echo >&3; exec sleep 60")
	c.Input = make([]byte, pipeSize+1) // enlarges the pipes
	var log, answer logs.Tail
	c.Outputs = []io.Writer{io.Discard, &log, &answer}
	p := start(t, c)
	within(t, "it has answered", func() bool {
		fds := []unix.PollFd{{Fd: int32(p.outputs[2].fd), Events: unix.POLLIN}}
		return poll(fds, 0) == nil && fds[0].Revents != 0
	})
	pumpUntil(t, p, func() bool { return answer.Total > 0 })
	if log.Total != 300000 {
		t.Errorf("got a log of %d bytes, want 300000", log.Total)
	}
}

// P13: half an answer does not count.
func TestPumpHalfAnAnswer(t *testing.T) {
	checkLeaks(t)
	r := startResidentChild(t, "printf half >&3; exit 1")
	if _, err := r.next(t.Context()); err != ErrExited || r.answer.String() != "half" {
		t.Errorf("got %v, %q, want %v and the half", err, r.answer.String(), ErrExited)
	}
	r.Stop(0)
}

// A child may survive Interrupt and go on.
func TestInterruptSurvived(t *testing.T) {
	checkLeaks(t)
	r := startResidentChild(t, `trap 'echo survived >&3' TERM
		echo ready >&3
		while :; do sleep 60 & wait; done`)
	for _, want := range []string{"ready\n", "survived\n", "survived\n"} {
		if got, err := r.next(t.Context()); err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		r.Interrupt()
	}
	if r.Exited() {
		t.Error("got exited, want not")
	}
	if got := r.Stop(0); got != killed {
		t.Errorf("got status %#x, want %#x", got, killed)
	}
}

// The end of ctx ends the Pump, and the process keeps running.
func TestPumpResumed(t *testing.T) {
	checkLeaks(t)
	r := startResidentChild(t, "read -r l; echo $l >&3")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, errTimeUp)
	defer cancel()
	if _, err := r.next(ctx); err != errTimeUp {
		t.Errorf("got %v, want %v", err, errTimeUp)
	}
	fmt.Fprintln(r.requests, "on")
	if got, err := r.next(t.Context()); err != nil || got != "on\n" {
		t.Errorf("got %q, %v, want on", got, err)
	}
	r.Stop(0)
}

var errLimit = errors.New("full")

// A limitedOutput takes some bytes, and then fails.
type limitedOutput struct{ room int }

func (f *limitedOutput) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errLimit
	}
	return len(p), nil
}

// An Output that fails stops the command, whatever the command does.
func TestOutputFails(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		runs   int
	}{
		"goes on":                {"echo too much; sleep 60; :", 1},
		"writes on":              {"yes", 1},
		"writes on to another":   {"echo too much; yes >&2", 1},
		"ignores TERM":           {"trap '' TERM; echo too much; sleep 60; :", 1},
		"exits at once":          {"echo too much", 200},
		"exits after more":       {"head -c 70000 /dev/zero", 50},
		"leaves one that writes": {"trap '' TERM PIPE; yes & echo too much", 20},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			for range effort.Repeats(row.runs) {
				c := shell(row.script)
				c.Outputs = []io.Writer{&limitedOutput{5}, io.Discard}
				mustNotWait(t, func() {
					exit, err := Run(t.Context(), c, 50*time.Millisecond)
					if err != nil || exit.Cause != errLimit {
						t.Fatalf("got cause %v, status %#x, %v; want %v", exit.Cause, exit.Status, err, errLimit)
					}
				})
			}
		})
	}
}

// An Output that fails leaves the command its grace.
func TestOutputFailsGently(t *testing.T) {
	checkLeaks(t)
	c := shell("trap 'echo more; sleep 0.1; echo more; exit 7' TERM; echo too much; sleep 60 & wait")
	c.Outputs = []io.Writer{&limitedOutput{5}, io.Discard}
	exit, err := Run(t.Context(), c, bound)
	if err != nil || exit.Cause != errLimit || exit.Status != exited7 {
		t.Errorf("got cause %v, status %#x, %v; want %v, %#x", exit.Cause, exit.Status, err, errLimit, exited7)
	}
}

// The error of an Output wins over done.
func TestOutputFailsBeforeTheAnswer(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(50) {
		answered := false
		c := shell("echo too much; echo answer >&3; sleep 60; :")
		c.Outputs = []io.Writer{&limitedOutput{5}, io.Discard, writer(func(p []byte) (int, error) {
			answered = true
			return len(p), nil
		})}
		p := start(t, c)
		if err := p.Pump(t.Context(), func() bool { return answered }); err != errLimit {
			t.Errorf("got %v, want %v", err, errLimit)
		}
		p.Stop(0)
	}
}

// P03: output before the exit is never lost.
func TestOutputBeforeExit(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(500) {
		got := runToEnd(t, t.Context(), shell("echo last words >&2; exit 3"), 0)
		got.check(t, 3)
		if got.stderr.String() != "last words\n" {
			t.Fatalf("got %q, want all output", got.stderr.String())
		}
	}
}

// The pause grows with the time waited, and is short where an exit is near.
func TestExitCheckPause(t *testing.T) {
	for name, row := range map[string]struct {
		sidecar, closed bool
		spins           int
		waited          time.Duration
		want            time.Duration
	}{
		"outputs open":              {false, false, 0, 0, minPauseOpen},
		"open for some time":        {false, false, 0, 80 * time.Millisecond, 10 * time.Millisecond},
		"open for an hour":          {false, false, 0, time.Hour, maxPause},
		"open after others closed":  {false, false, maxSpins, 0, minPauseOpen},
		"outputs closed":            {false, true, 0, time.Hour, 0},
		"closed, the last spin":     {false, true, maxSpins - 1, time.Hour, 0},
		"closed, all spins used":    {false, true, maxSpins, 0, minPauseClosed},
		"closed for an hour":        {false, true, maxSpins, time.Hour, maxPause},
		"a sidecar":                 {true, false, 0, 0, minPauseOpen},
		"a sidecar open for a time": {true, false, 0, time.Hour, maxPauseSidecar},
	} {
		t.Run(name, func(t *testing.T) {
			c := newExitCheck(row.sidecar)
			c.spins = row.spins
			if got := c.pause(row.waited, row.closed); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// outputsClosed takes all outputs into account.
func TestOutputsClosed(t *testing.T) {
	for _, row := range []struct {
		fds  []int
		want bool
	}{{nil, true}, {[]int{-1}, true}, {[]int{1}, false}, {[]int{-1, 1}, false}} {
		p := &Process{}
		for _, fd := range row.fds {
			p.outputs = append(p.outputs, outputPipe{fd: fd})
		}
		if got := p.outputsClosed(); got != row.want {
			t.Errorf("%v: got %v, want %v", row.fds, got, row.want)
		}
	}
}

// Output that a process passes through another one is not lost when it exits.
func TestHolderOutput(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(50) {
		c := &Command{Path: "/bin/bash", Args: []string{"bash", "-c", "exec > >(cat); echo one; echo two"}, Env: os.Environ()}
		got := runToEnd(t, t.Context(), c, 0)
		got.check(t, 0)
		if text := got.stdout.String(); text != "one\ntwo\n" {
			t.Fatalf("got %q, want both lines", text)
		}
	}
}
