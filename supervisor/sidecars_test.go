package supervisor

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"
)

// politeSidecar says when it is told to end.
func (d *diary) politeSidecar(name string) Sidecar {
	return d.sidecar(name, `exec 2>/dev/null; trap 'echo "end of `+name+`"; exit 0' TERM; echo "`+name+` up"; while :; do sleep .01; done`)
}

// They end in reverse, one after the other, and each has its share.
func TestSidecarsStopInReverse(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := &Sidecars{List: []Sidecar{d.politeSidecar("a"), d.politeSidecar("b"), d.politeSidecar("c")}, Log: d.log()}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "a up", "b up", "c up")
	if got, want := s.Status(), "a runs; b runs; c runs"; got != want {
		t.Errorf("their status: got %q, want %q", got, want)
	}
	var shares []int
	quick(t, func() {
		s.Stop(func(left int) time.Duration {
			shares = append(shares, left)
			return bound
		})
	})
	if !slices.Equal(shares, []int{3, 2, 1}) {
		t.Errorf("asked for shares of %v, want 3, 2, 1", shares)
	}
	if want := "end of c\nend of b\nend of a\n"; !strings.HasSuffix(d.String(), want) {
		t.Errorf("got %q, want %q at its end", d, want)
	}
	s.Stop(graceOf(0))
}

// One that cannot be started is named; those before it have been started, and
// are ended, and those after it are not started.
func TestSidecarsCannotStart(t *testing.T) {
	tidy(t)
	d := &diary{}
	first, missing, last := d.politeSidecar("a"), Sidecar{Name: "odd", Command: process.Command{Path: "/nowhere"}}, filepath.Join(t.TempDir(), "last")
	s := &Sidecars{List: []Sidecar{first, missing, d.sidecar("b", ">"+last+"; sleep 60")}, Log: d.log()}
	var err error
	quick(t, func() { err = s.Start(nil) })
	if err == nil || !strings.Contains(err.Error(), "sidecar odd: cannot start /nowhere: no such file") {
		t.Errorf("got the error %v, want one that names it", err)
	}
	if start, ok := errors.AsType[*process.StartError](err); !ok || start.Path != "/nowhere" {
		t.Errorf("got the error %v, want a *StartError within", err)
	}
	if left := procfs.OurChildren(); len(left) > 0 {
		t.Errorf("got the children %v, want none", left)
	}
	if _, err := os.Stat(last); err == nil {
		t.Error("the one after it was started")
	}
	s.Stop(graceOf(0))
}

// None at all is fine, and so is Stop without Start.
func TestNoSidecars(t *testing.T) {
	tidy(t)
	var s Sidecars
	s.Stop(graceOf(0))
	if err := s.Start(nil); err != nil || s.Status() != "" {
		t.Errorf("got error %v, status %q; want none", err, s.Status())
	}
	s.Stop(graceOf(0))
}

// Policy fail: the first death is told, with how and why, and none is started
// again; what ends because we stop is no death.
func TestSidecarsFail(t *testing.T) {
	for name, row := range map[string]struct{ script, want string }{
		"crash":   {"echo cannot listen; exit 4", "sidecar odd ended: exit status 4: cannot listen"},
		"success": {"exit 0", "sidecar odd ended: exit status 0"},
		"signal":  {"kill -9 $$", "sidecar odd ended: signal 9 (killed)"},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			d := &diary{}
			said := logs.Tail{Max: 100}
			odd := d.sidecar("odd", row.script)
			odd.Command.Outputs[0] = &said
			odd.LastOutput = func() string { return strings.TrimSpace(said.String()) }
			s := &Sidecars{List: []Sidecar{d.politeSidecar("a"), odd, d.politeSidecar("b")}, Fail: true, Log: d.log(), backoff: protocol.Backoff{Shortest: 1, Longest: 1}}
			died := make(chan error, 9)
			if err := s.Start(func(err error) { died <- err }); err != nil {
				t.Fatal(err)
			}
			f, ok := errors.AsType[*protocol.Failure](<-died)
			if !ok || f.Type != "Runtime.SidecarExit" || f.Message != row.want {
				t.Errorf("got %v, want Runtime.SidecarExit: %s", f, row.want)
			}
			d.wait(t, "a up", "b up")
			s.Stop(graceOf(bound))
			if len(died) > 0 {
				t.Errorf("told of %v, too, want only the first death", <-died)
			}
		})
	}
}

// The death of many at once is told once.
func TestSidecarsFailOnce(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := &Sidecars{List: []Sidecar{d.sidecar("a", "exit 1"), d.sidecar("b", "exit 1"), d.sidecar("c", "exit 1")}, Fail: true, Log: d.log()}
	died := make(chan error, 9)
	if err := s.Start(func(err error) { died <- err }); err != nil {
		t.Fatal(err)
	}
	within(t, "all have ended", func() bool { return strings.Count(s.Status(), "has ended once") == 3 })
	s.Stop(graceOf(0))
	if len(died) != 1 {
		t.Errorf("told %d times, want once", len(died))
	}
}

// T14: one that is dead costs nothing at the end, and is not started again.
func TestSidecarsDeadAtStop(t *testing.T) {
	tidy(t)
	d := &diary{}
	s := &Sidecars{List: []Sidecar{d.politeSidecar("a"), d.sidecar("dead", "exit 1")}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Hour, Longest: time.Hour}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "a up")
	within(t, "it has ended", func() bool { return strings.Contains(s.Status(), "dead has ended once") })
	quick(t, func() { s.Stop(graceOf(time.Minute)) })
}

// One that ends while others are being ended is not started again.
func TestSidecarsEndMeanwhile(t *testing.T) {
	tidy(t)
	d := &diary{}
	flag := filepath.Join(t.TempDir(), "flag")
	first := d.sidecar("a", "echo life of a; until [ -e "+flag+" ]; do sleep .01; done")
	last := d.sidecar("b", "trap '>"+flag+"; sleep .2; exit' TERM; echo b up; while :; do sleep .01; done")
	s := &Sidecars{List: []Sidecar{first, last}, Log: d.log(), backoff: protocol.Backoff{Shortest: 1, Longest: 1}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "life of a", "b up")
	s.Stop(graceOf(bound))
	if lives := strings.Count(d.String(), "life of a"); lives != 1 {
		t.Errorf("got %d lives, want 1", lives)
	}
}

// Whenever they are stopped, in whatever state each is: all are gone.
func TestSidecarsStopAtAnyTime(t *testing.T) {
	tidy(t)
	for range 30 {
		d := &diary{}
		s := &Sidecars{List: []Sidecar{d.sidecar("a", "exit 1"), d.politeSidecar("b"), d.sidecar("c", "sleep .005; exit 1")}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Millisecond, Longest: time.Millisecond}}
		if err := s.Start(nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(20 * time.Millisecond)) // any time
		quick(t, func() { s.Stop(graceOf(bound)) })
		process.Leftovers(process.Anybody) // reaps what the sidecars had started
		if left := procfs.OurChildren(); len(left) > 0 {
			t.Fatalf("left %v", left)
		}
	}
}
