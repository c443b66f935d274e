package supervisor

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// R08: the pauses grow up to a limit, and vary.
func TestPause(t *testing.T) {
	for n, want := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second,
		6: 30 * time.Second, 7: 30 * time.Second, 100: 30 * time.Second, math.MaxInt: 30 * time.Second,
	} {
		least, longest := time.Duration(math.MaxInt64), time.Duration(0)
		for range 1000 {
			got := restartBackoff.Pause(n)
			least, longest = min(least, got), max(longest, got)
		}
		if least < want/2 || longest > want || least > want*3/5 || longest < want*9/10 {
			t.Errorf("pause %d: got %v to %v, want %v to %v", n, least, longest, want/2, want)
		}
	}
}

// A sidecarLog collects what sidecars write, and what is logged about their
// exits.
type sidecarLog struct {
	locked.Buffer
	mu   sync.Mutex
	runs []sidecarRun
}

// A sidecarRun is one run of a sidecar, as the log reports it.
type sidecarRun struct{ ran, pause time.Duration }

// Accept implements hclog.SinkAdapter.
func (d *sidecarLog) Accept(_ string, _ hclog.Level, _ string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	said := map[any]any{}
	for i := 0; i+1 < len(args); i += 2 {
		said[args[i]] = args[i+1]
	}
	if said["restart_in"] != nil {
		d.runs = append(d.runs, sidecarRun{duration(said["ran"]), duration(said["restart_in"])})
	}
}

func duration(text any) time.Duration {
	d, err := time.ParseDuration(text.(string))
	if err != nil {
		panic(err)
	}
	return d
}

func (d *sidecarLog) snapshot() []sidecarRun {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]sidecarRun(nil), d.runs...)
}

func (d *sidecarLog) log() hclog.Logger {
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: d})
	log.RegisterSink(d)
	return log
}

// wait waits until all of the words are in the log.
func (d *sidecarLog) wait(t *testing.T, words ...string) {
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

// startSidecar starts a sidecar that runs the script, and stops it at the end
// of the test.
func startSidecar(t *testing.T, d *sidecarLog, script string, pauses protocol.Backoff) *Sidecars {
	t.Helper()
	s := &Sidecars{List: []Sidecar{d.sidecar("it", script)}, Log: d.log(), backoff: pauses}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(constantGrace(0)) })
	return s
}

// sidecar returns a Sidecar that runs a script and writes into the log.
func (d *sidecarLog) sidecar(name, script string) Sidecar {
	c := shell(script)
	c.Outputs = append(c.Outputs, d, d)
	return Sidecar{Name: name, Command: *c}
}

func constantGrace(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

// R08: a sidecar that exits at once is restarted with growing pauses.
func TestSidecarGrowingPauses(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	const minRuns = 6
	pauses := protocol.Backoff{Shortest: 4 * time.Millisecond, Longest: time.Hour}
	startSidecar(t, d, "exit 3", pauses)
	within(t, "it has exited several times", func() bool { return len(d.snapshot()) >= minRuns })
	checkPauses(t, d.snapshot(), pauses)
}

// checkPauses checks that each pause fits the runs before it. It returns how
// often the pauses started again from the shortest.
func checkPauses(t *testing.T, runs []sidecarRun, b protocol.Backoff) (resets int) {
	t.Helper()
	n := 0
	for i, run := range runs {
		if n++; run.ran >= b.Longest || i == 0 {
			n = 0
		}
		if n == 0 && i > 0 {
			resets++
		}
		longest := min(b.Shortest<<n, b.Longest)
		if run.pause < (longest/2).Truncate(time.Millisecond) || run.pause > longest {
			t.Errorf("run %d of %v: got the pause %v, want %v to %v", i, runs, run.pause, longest/2, longest)
		}
	}
	return resets
}

// T13: after a long run the pauses start again from the shortest.
func TestSidecarPausesAfterALongLife(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	lives := filepath.Join(t.TempDir(), "lives")
	pauses := protocol.Backoff{Shortest: 4 * time.Millisecond, Longest: 400 * time.Millisecond}
	startSidecar(t, d, `echo x >>`+lives+`; [ $(wc -l <`+lives+`) != 4 ] || sleep .5; exit 1`, pauses)
	within(t, "it has exited several times", func() bool { return len(d.snapshot()) >= 6 })
	if resets := checkPauses(t, d.snapshot(), pauses); resets == 0 {
		t.Errorf("got the runs %v, want a short pause after the long one", d.snapshot())
	}
}

// T13: a sidecar may recover after several short runs.
func TestSidecarRecovers(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	lives := filepath.Join(t.TempDir(), "lives")
	s := startSidecar(t, d, `echo x >>`+lives+`; [ $(wc -l <`+lives+`) = 6 ] || exit 7; echo well; exec sleep 60`, protocol.Backoff{Shortest: time.Millisecond, Longest: time.Hour})
	d.wait(t, "well")
	if got, want := s.Status(), "it has exited 5 times, last: exit status 7"; got != want {
		t.Errorf("its status: got %q, want %q", got, want)
	}
}

// A missing program counts as an exit like others.
func TestSidecarGone(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nrm \"$0\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &Sidecars{List: []Sidecar{{Name: "it", Command: process.Command{Path: program, Args: []string{program}}}}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Millisecond, Longest: time.Hour}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(constantGrace(0))
	within(t, "it has exited three times", func() bool { return len(d.snapshot()) >= 3 })
	if got, want := s.Status(), "times, last: cannot start "+program+": no such file or directory"; !strings.HasSuffix(got, want) {
		t.Errorf("its status: got %q, want it to end in %q", got, want)
	}
}

// An exit by a signal is reported, too.
func TestSidecarSignal(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := startSidecar(t, d, "kill -9 $$", protocol.Backoff{Shortest: time.Hour, Longest: time.Hour})
	if got, want := s.Status(), "it runs"; got != want && len(d.snapshot()) == 0 {
		t.Errorf("its status: got %q, want %q", got, want)
	}
	within(t, "it has exited", func() bool { return len(d.snapshot()) > 0 })
	if got, want := s.Status(), "it has exited once: signal 9 (killed)"; got != want {
		t.Errorf("its status: got %q, want %q", got, want)
	}
}

// R21: when memory runs out, the kernel kills the command of an event before a
// sidecar.
func TestSidecarScore(t *testing.T) {
	if _, err := os.Stat("/proc/self/oom_score_adj"); err != nil {
		t.Skip(err)
	}
	checkLeaks(t)
	d := &sidecarLog{}
	startSidecar(t, d, `until [ $(cat /proc/$$/oom_score_adj) = 500 ]; do :; done; echo well; exec sleep 60`, restartBackoff)
	d.wait(t, "well")
}

// The children of a shell get the grace, although the shell exits at once.
func TestSidecarsGroupHasTheGrace(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := startSidecar(t, d, `(trap "sleep .1; echo saved; exit" TERM; echo up; while :; do sleep .01; done); exit 0`, restartBackoff)
	d.wait(t, "up")
	mustNotWait(t, func() { s.Stop(constantGrace(bound)) })
	if !strings.Contains(d.String(), "saved") {
		t.Errorf("got %q, want what it wrote at SIGTERM", d)
	}
}

// T02: a sidecar that ignores SIGTERM is killed after its grace, with its
// children.
func TestSidecarIgnoresTerm(t *testing.T) {
	for name, script := range map[string]string{
		"it":           `trap "" TERM; sleep 60 & echo up; wait`,
		"what it left": `(trap "" TERM; echo up; sleep 60); exit 0`,
		"what it has":  `(trap "" TERM; exec sleep 60) & trap 'exit 0' TERM; sleep .1; echo up; while :; do sleep .01; done`,
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			d := &sidecarLog{}
			s := startSidecar(t, d, script, restartBackoff)
			d.wait(t, "up")
			mustNotWait(t, func() { s.Stop(constantGrace(50 * time.Millisecond)) })
		})
	}
}

// R15: a sidecar that is stopped by a signal gets the SIGTERM.
func TestSidecarStopped(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := startSidecar(t, d, `trap 'echo ended; exit' TERM; echo up; kill -STOP $$; while :; do sleep .01; done`, restartBackoff)
	d.wait(t, "up")
	pids := procfs.OurChildren()
	within(t, "it is stopped", func() bool { return procfs.ReadStat(pids[0]).State == 'T' })
	mustNotWait(t, func() { s.Stop(constantGrace(bound)) })
	if !strings.Contains(d.String(), "ended") {
		t.Errorf("got %q, want that it has exited", d)
	}
}

// R09: a sidecar gets one SIGTERM, however long it takes to exit.
func TestSidecarInterruptedOnce(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := startSidecar(t, d, `exec 2>/dev/null; trap 'echo TERM' TERM; echo up; while :; do sleep .01; done`, restartBackoff)
	d.wait(t, "up")
	s.Stop(constantGrace(200 * time.Millisecond))
	if n := strings.Count(d.String(), "TERM"); n != 1 {
		t.Errorf("got %d SIGTERMs, want one", n)
	}
}

// When a sidecar exits, its leftovers are killed, but not the leftovers of others.
func TestSidecarLeavesNothing(t *testing.T) {
	checkLeaks(t)
	other := shell("setsid sleep 60 >/dev/null 2>&1 & exit 0")
	other.Owner, other.Keep = process.SlotOwner(1), true
	if exit, err := process.Run(t.Context(), other, 0); err != nil || exit.Status != 0 {
		t.Fatalf("got status %#x, %v; want 0", exit.Status, err)
	}
	d := &sidecarLog{}
	sidecar := d.sidecar("it", "setsid sleep 60 >/dev/null 2>&1 & sleep .02; exit 3")
	sidecar.Command.Owner = process.SidecarOwner("it")
	s := &Sidecars{List: []Sidecar{sidecar}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Millisecond, Longest: 2 * time.Millisecond}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	within(t, "it has exited often", func() bool { return strings.Count(d.String(), "sidecar exited") > 5 })
	s.Stop(func(int) time.Duration { return time.Second })
	if got := len(process.Leftovers(process.SlotOwner(1))); got != 1 {
		t.Errorf("the slot has %d orphans, want the one", got)
	}
	if got := len(process.Leftovers(process.SidecarOwner("it"))); got > 0 {
		t.Errorf("the sidecar has left %d orphans", got)
	}
	process.KillLeftovers(process.Anybody, bound)
}
