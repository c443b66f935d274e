package supervisor

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// R08: the pauses grow, up to a limit, and are not the same for all.
func TestPause(t *testing.T) {
	for n, want := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second,
		6: 30 * time.Second, 7: 30 * time.Second, 100: 30 * time.Second, math.MaxInt: 30 * time.Second,
	} {
		least, most := time.Duration(math.MaxInt64), time.Duration(0)
		for range 1000 {
			got := restartBackoff.Pause(n)
			least, most = min(least, got), max(most, got)
		}
		if least < want/2 || most > want || least > want*3/5 || most < want*9/10 {
			t.Errorf("pause %d: got %v to %v, want %v to %v", n, least, most, want/2, want)
		}
	}
}

// A diary is what sidecars write, and what the log says of their ends.
type diary struct {
	mu    sync.Mutex
	text  strings.Builder
	lives []life
}

// A life of a sidecar, as the log tells it.
type life struct{ ran, pause time.Duration }

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// Accept makes it a sink of a log.
func (d *diary) Accept(_ string, _ hclog.Level, _ string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	said := map[any]any{}
	for i := 0; i+1 < len(args); i += 2 {
		said[args[i]] = args[i+1]
	}
	if said["restart_in"] != nil {
		d.lives = append(d.lives, life{duration(said["ran"]), duration(said["restart_in"])})
	}
}

func duration(text any) time.Duration {
	d, err := time.ParseDuration(text.(string))
	if err != nil {
		panic(err)
	}
	return d
}

func (d *diary) snapshot() []life {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]life(nil), d.lives...)
}

func (d *diary) log() hclog.Logger {
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: d})
	log.RegisterSink(d)
	return log
}

// wait waits until each of these stands in the diary.
func (d *diary) wait(t *testing.T, words ...string) {
	t.Helper()
	within(t, strings.Join(words, ", ")+" in the diary", func() bool {
		for _, word := range words {
			if !strings.Contains(d.String(), word) {
				return false
			}
		}
		return true
	})
}

// startSidecar starts a sidecar that runs the script, and stops it at the test's end.
func startSidecar(t *testing.T, d *diary, script string, pauses protocol.Backoff) *Sidecars {
	t.Helper()
	s := &Sidecars{List: []Sidecar{d.sidecar("it", script)}, Log: d.log(), backoff: pauses}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(graceOf(0)) })
	return s
}

// sidecar runs a script that writes into the diary.
func (d *diary) sidecar(name, script string) Sidecar {
	c := shell(script)
	c.Outputs = append(c.Outputs, d, d)
	return Sidecar{Name: name, Command: *c}
}

func graceOf(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

// R08: what ends at once is started again after pauses that grow.
func TestSidecarGrowingPauses(t *testing.T) {
	tidy(t)
	d := &diary{}
	const lives = 6
	pauses := protocol.Backoff{Shortest: 4 * time.Millisecond, Longest: time.Hour}
	startSidecar(t, d, "exit 3", pauses)
	within(t, "it has ended some times", func() bool { return len(d.snapshot()) >= lives })
	checkPauses(t, d.snapshot(), pauses)
}

// checkPauses: each was as the lives before it want it.
func checkPauses(t *testing.T, lives []life, b protocol.Backoff) (resets int) {
	t.Helper()
	n := 0
	for i, life := range lives {
		if n++; life.ran >= b.Longest || i == 0 {
			n = 0
		}
		if n == 0 && i > 0 {
			resets++
		}
		most := min(b.Shortest<<n, b.Longest)
		if life.pause < (most/2).Truncate(time.Millisecond) || life.pause > most {
			t.Errorf("life %d of %v: got the pause %v, want %v to %v", i, lives, life.pause, most/2, most)
		}
	}
	return resets
}

// T13: what was unwell for a while, and then is not, is as good as new.
func TestSidecarPausesAfterALongLife(t *testing.T) {
	tidy(t)
	d := &diary{}
	lives := filepath.Join(t.TempDir(), "lives")
	pauses := protocol.Backoff{Shortest: 4 * time.Millisecond, Longest: 400 * time.Millisecond}
	startSidecar(t, d, `echo x >>`+lives+`; [ $(wc -l <`+lives+`) != 4 ] || sleep .5; exit 1`, pauses)
	within(t, "it has ended some times", func() bool { return len(d.snapshot()) >= 6 })
	if resets := checkPauses(t, d.snapshot(), pauses); resets == 0 {
		t.Errorf("got the lives %v, want a short pause after the long one", d.snapshot())
	}
}

// T13: it flaps, and then it runs.
func TestSidecarRecovers(t *testing.T) {
	tidy(t)
	d := &diary{}
	lives := filepath.Join(t.TempDir(), "lives")
	s := startSidecar(t, d, `echo x >>`+lives+`; [ $(wc -l <`+lives+`) = 6 ] || exit 7; echo well; exec sleep 60`, protocol.Backoff{Shortest: time.Millisecond, Longest: time.Hour})
	d.wait(t, "well")
	if got, want := s.Status(), "it has ended 5 times, last: exit status 7"; got != want {
		t.Errorf("its status: got %q, want %q", got, want)
	}
}

// A program that is not there any more is a death like others.
func TestSidecarGone(t *testing.T) {
	tidy(t)
	d := &diary{}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nrm \"$0\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &Sidecars{List: []Sidecar{{Name: "it", Command: process.Command{Path: program, Args: []string{program}}}}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Millisecond, Longest: time.Hour}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(graceOf(0))
	within(t, "it has ended three times", func() bool { return len(d.snapshot()) >= 3 })
	if got, want := s.Status(), "times, last: cannot start "+program+": no such file or directory"; !strings.HasSuffix(got, want) {
		t.Errorf("its status: got %q, want it to end in %q", got, want)
	}
}

// How it ended is told, as a signal, too.
func TestSidecarSignal(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := startSidecar(t, d, "kill -9 $$", protocol.Backoff{Shortest: time.Hour, Longest: time.Hour})
	if got, want := s.Status(), "it runs"; got != want && len(d.snapshot()) == 0 {
		t.Errorf("its status: got %q, want %q", got, want)
	}
	within(t, "it has ended", func() bool { return len(d.snapshot()) > 0 })
	if got, want := s.Status(), "it has ended once: signal 9 (killed)"; got != want {
		t.Errorf("its status: got %q, want %q", got, want)
	}
}

// R21: when memory runs out the command of an event goes before it.
func TestSidecarScore(t *testing.T) {
	if _, err := os.Stat("/proc/self/oom_score_adj"); err != nil {
		t.Skip(err)
	}
	tidy(t)
	d := &diary{}
	startSidecar(t, d, `until [ $(cat /proc/$$/oom_score_adj) = 500 ]; do :; done; echo well; exec sleep 60`, restartBackoff)
	d.wait(t, "well")
}

// What a shell has started has its grace although the shell is gone at once.
func TestSidecarsGroupHasTheGrace(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := startSidecar(t, d, `(trap "sleep .1; echo saved; exit" TERM; echo up; while :; do sleep .01; done); exit 0`, restartBackoff)
	d.wait(t, "up")
	quick(t, func() { s.Stop(graceOf(bound)) })
	if !strings.Contains(d.String(), "saved") {
		t.Errorf("got %q, want what it wrote when it was told to end", d)
	}
}

// T02: what ignores SIGTERM, and what it has started, is killed after its grace.
func TestSidecarIgnoresTerm(t *testing.T) {
	for name, script := range map[string]string{
		"it":           `trap "" TERM; sleep 60 & echo up; wait`,
		"what it left": `(trap "" TERM; echo up; sleep 60); exit 0`,
		"what it has":  `(trap "" TERM; exec sleep 60) & trap 'exit 0' TERM; sleep .1; echo up; while :; do sleep .01; done`,
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			d := &diary{}
			s := startSidecar(t, d, script, restartBackoff)
			d.wait(t, "up")
			quick(t, func() { s.Stop(graceOf(50 * time.Millisecond)) })
		})
	}
}

// R15: one that is stopped by a signal hears that it is to end.
func TestSidecarStopped(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := startSidecar(t, d, `trap 'echo ended; exit' TERM; echo up; kill -STOP $$; while :; do sleep .01; done`, restartBackoff)
	d.wait(t, "up")
	pids := procfs.OurChildren()
	within(t, "it is stopped", func() bool { return procfs.ReadStat(pids[0]).State == 'T' })
	quick(t, func() { s.Stop(graceOf(bound)) })
	if !strings.Contains(d.String(), "ended") {
		t.Errorf("got %q, want that it has ended", d)
	}
}

// R09: it is told to end once, however long it takes.
func TestSidecarInterruptedOnce(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := startSidecar(t, d, `exec 2>/dev/null; trap 'echo told' TERM; echo up; while :; do sleep .01; done`, restartBackoff)
	d.wait(t, "up")
	s.Stop(graceOf(200 * time.Millisecond))
	if told := strings.Count(d.String(), "told"); told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}

// What a sidecar has lost ends with it, and not what others have lost.
func TestSidecarLeavesNothing(t *testing.T) {
	tidy(t)
	other := shell("setsid sleep 60 >/dev/null 2>&1 & exit 0")
	other.Owner, other.Keep = process.SlotOwner(1), true
	runToEnd(t, t.Context(), other, 0).check(t, 0)
	d := &diary{}
	sidecar := d.sidecar("it", "setsid sleep 60 >/dev/null 2>&1 & sleep .02; exit 3")
	sidecar.Command.Owner = process.SidecarOwner("it")
	s := &Sidecars{List: []Sidecar{sidecar}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Millisecond, Longest: 2 * time.Millisecond}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	within(t, "it has ended often", func() bool { return strings.Count(d.String(), "sidecar ended") > 5 })
	s.Stop(func(int) time.Duration { return time.Second })
	if got := len(process.Leftovers(process.SlotOwner(1))); got != 1 {
		t.Errorf("the slot has %d orphans, want the one", got)
	}
	if got := len(process.Leftovers(process.SidecarOwner("it"))); got > 0 {
		t.Errorf("the sidecar has left %d orphans", got)
	}
	process.KillLeftovers(process.Anybody, bound)
}
