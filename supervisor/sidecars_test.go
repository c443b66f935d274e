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

	"bootstrap/internal/effort"
	"bootstrap/internal/procfs"
	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"
)

// politeSidecar returns a sidecar that writes its name when it gets SIGTERM.
func (d *sidecarLog) politeSidecar(name string) Sidecar {
	return d.sidecar(name, `exec 2>/dev/null; trap 'echo "end of `+name+`"; exit 0' TERM; echo "`+name+` up"; while :; do sleep .01; done`)
}

// Sidecars stop in reverse order, one after the other, each within its share.
func TestSidecarsStopInReverse(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := &Sidecars{List: []Sidecar{d.politeSidecar("a"), d.politeSidecar("b"), d.politeSidecar("c")}, Log: d.log()}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "a up", "b up", "c up")
	if got, want := s.Status(), "a runs; b runs; c runs"; got != want {
		t.Errorf("their status: got %q, want %q", got, want)
	}
	var shares []int
	mustNotWait(t, func() {
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
	s.Stop(constantGrace(0))
}

// The error names the sidecar that cannot start. Those before it are stopped,
// and those after it are not started.
func TestSidecarsCannotStart(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	first, missing, last := d.politeSidecar("a"), Sidecar{Name: "odd", Command: process.Command{Path: "/nowhere"}}, filepath.Join(t.TempDir(), "last")
	s := &Sidecars{List: []Sidecar{first, missing, d.sidecar("b", ">"+last+"; sleep 60")}, Log: d.log()}
	var err error
	mustNotWait(t, func() { err = s.Start(nil) })
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
	s.Stop(constantGrace(0))
}

// Start and Stop work without sidecars, and Stop without Start.
func TestNoSidecars(t *testing.T) {
	checkLeaks(t)
	var s Sidecars
	s.Stop(constantGrace(0))
	if err := s.Start(nil); err != nil || s.Status() != "" {
		t.Errorf("got error %v, status %q; want none", err, s.Status())
	}
	s.Stop(constantGrace(0))
}

// With Fail the first exit is reported with its reason, and nothing is
// restarted. Exits because of Stop are not reported.
func TestSidecarsFail(t *testing.T) {
	for name, row := range map[string]struct{ script, want string }{
		"crash":   {"echo cannot listen; exit 4", "sidecar odd exited: exit status 4: cannot listen"},
		"success": {"exit 0", "sidecar odd exited: exit status 0"},
		"signal":  {"kill -9 $$", "sidecar odd exited: signal 9 (killed)"},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			d := &sidecarLog{}
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
			s.Stop(constantGrace(bound))
			if len(died) > 0 {
				t.Errorf("got %v reported, too, want only the first exit", <-died)
			}
		})
	}
}

// Several exits at once are reported once.
func TestSidecarsFailOnce(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := &Sidecars{List: []Sidecar{d.sidecar("a", "exit 1"), d.sidecar("b", "exit 1"), d.sidecar("c", "exit 1")}, Fail: true, Log: d.log()}
	died := make(chan error, 9)
	if err := s.Start(func(err error) { died <- err }); err != nil {
		t.Fatal(err)
	}
	within(t, "all have exited", func() bool { return strings.Count(s.Status(), "has exited once") == 3 })
	s.Stop(constantGrace(0))
	if len(died) != 1 {
		t.Errorf("got %d reports, want one", len(died))
	}
}

// T14: an exited sidecar does not delay Stop, and is not restarted.
func TestSidecarsDeadAtStop(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	s := &Sidecars{List: []Sidecar{d.politeSidecar("a"), d.sidecar("dead", "exit 1")}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Hour, Longest: time.Hour}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "a up")
	within(t, "it has exited", func() bool { return strings.Contains(s.Status(), "dead has exited once") })
	mustNotWait(t, func() { s.Stop(constantGrace(time.Minute)) })
}

// A sidecar that exits while others are being stopped is not restarted.
func TestSidecarsEndMeanwhile(t *testing.T) {
	checkLeaks(t)
	d := &sidecarLog{}
	flag := filepath.Join(t.TempDir(), "flag")
	first := d.sidecar("a", "echo life of a; until [ -e "+flag+" ]; do sleep .01; done")
	last := d.sidecar("b", "trap '>"+flag+"; sleep .2; exit' TERM; echo b up; while :; do sleep .01; done")
	s := &Sidecars{List: []Sidecar{first, last}, Log: d.log(), backoff: protocol.Backoff{Shortest: 1, Longest: 1}}
	if err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "life of a", "b up")
	s.Stop(constantGrace(bound))
	if lives := strings.Count(d.String(), "life of a"); lives != 1 {
		t.Errorf("got %d lives, want 1", lives)
	}
}

// Stop leaves no process behind, whenever it is called.
func TestSidecarsStopAtAnyTime(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(30) {
		d := &sidecarLog{}
		s := &Sidecars{List: []Sidecar{d.sidecar("a", "exit 1"), d.politeSidecar("b"), d.sidecar("c", "sleep .005; exit 1")}, Log: d.log(), backoff: protocol.Backoff{Shortest: time.Millisecond, Longest: time.Millisecond}}
		if err := s.Start(nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(20 * time.Millisecond)) // at any time
		mustNotWait(t, func() { s.Stop(constantGrace(bound)) })
		process.Leftovers(process.Anybody) // reaps the children of the sidecars
		if left := procfs.OurChildren(); len(left) > 0 {
			t.Fatalf("left %v", left)
		}
	}
}
