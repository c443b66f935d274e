package emulator

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
)

func TestRunnerExits(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := newRunnerFixture(t, p, Function{}, "runtime")
		g.invoke("hello", Result)
		if out := g.invoke("die", RuntimeExited); out.Reason != "exit status 5" {
			t.Errorf("got %s", describe(out))
		}
		if out := g.invoke("hello", Result); out.Init == 0 {
			t.Error("the next event had no new instance")
		}
	})
}

// An instance that exits after an event does not lose the next one.
func TestRunnerExitsIdle(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := newRunnerFixture(t, p, Function{}, "runtime")
		for range 3 {
			g.invoke("bye", Result)
		}
		if got := g.s.Stats().Instances; got != 3 {
			t.Errorf("got %d instances, want 3", got)
		}
	})
}

func TestRunnerBroken(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "broken")
	for range 2 {
		if out := g.invoke("hello", InitFailed); out.Reason != "exit status 3" {
			t.Errorf("got %s", describe(out))
		}
	}
	if got := g.stderr.String(); got != "broken by design\nbroken by design\n" {
		t.Errorf("got %q on stderr", got)
	}
}

func TestRunnerInitError(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{}, "init error")
	if out := g.invoke("hello", InitFailed); string(out.Body) != "no such handler" {
		t.Errorf("got %s", describe(out))
	}
	if got := g.stderr.String(); got != "last words\n" {
		t.Errorf("got %q on stderr", got)
	}
}

func TestRunnerHasty(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "hasty")
	if out := g.invoke("hello", RuntimeExited); out.Reason != "exit status 4" {
		t.Errorf("got %s", describe(out))
	}
}

func TestRunnerSilent(t *testing.T) {
	g := newRunnerFixture(t, protocol.FunctionGraph, Function{InitLimit: shortLimit}, "silent")
	g.invoke("hello", InitTimedOut)
	if g.PID() != 0 {
		t.Error("the instance lives on")
	}
}

// On Lambda a start that takes too long begins again, within the time of an event.
func TestRunnerStartsAgain(t *testing.T) {
	g := newRunnerFixture(t, protocol.Lambda, Function{InitLimit: shortLimit, Timeout: 2 * shortLimit}, "silent")
	for n := 2; n <= 4; n += 2 {
		if out := g.invoke("hello", TimedOut); !strings.Contains(out.Reason, "after a first start") {
			t.Errorf("got %s", describe(out))
		}
		if got := g.s.Stats().Instances; got != n || g.PID() != 0 {
			t.Errorf("got %d instances, want %d, and none that runs", got, n)
		}
	}
	g = newRunnerFixture(t, protocol.Lambda, Function{InitLimit: 300 * time.Millisecond, Dir: t.TempDir()}, "slow")
	if out := g.invoke("hello", Result); string(out.Body) != "hello" || g.s.Stats().Instances != 2 {
		t.Errorf("got %s after %d starts, want 2", describe(out), g.s.Stats().Instances)
	}
}

func TestRunnerCannotStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := New(protocol.SCF, Function{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := NewRunner(s, []string{"./bootstrap"}, io.Discard, io.Discard)
	out, err := r.Invoke(t.Context(), Event{})
	if err != nil || out.Kind != InitFailed || out.Reason != "fork/exec ./bootstrap: permission denied" {
		t.Errorf("got %s, %v", describe(out), err)
	}
}
