package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"

	"github.com/hashicorp/go-hclog"
)

// A journal is a file that records what happens.
type journal string

func (f journal) record(what string) {
	file, err := os.OpenFile(string(f), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, what)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		panic(err)
	}
}

func (f journal) String() string {
	text, _ := os.ReadFile(string(f)) // missing: nothing has happened
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ", ")
}

// sidecar returns a sidecar that records its start and its SIGTERM.
func (f journal) sidecar(name string) Sidecar {
	c := shell(fmt.Sprintf(`trap 'echo -%[1]s >>%[2]s; exit' TERM; echo +%[1]s >>%[2]s; while :; do sleep 0.01; done`, name, string(f)))
	c.Outputs = []io.Writer{io.Discard, io.Discard}
	return Sidecar{Name: name, Command: *c}
}

type journalAdapter struct {
	adapter
	journal
}

func (a *journalAdapter) Close(time.Duration) error {
	a.record("-adapter")
	return nil
}

// Everything starts in order and stops in reverse order, after the current
// event.
func TestOrderOfStop(t *testing.T) {
	checkLeaks(t)
	f := journal(filepath.Join(t.TempDir(), "journal"))
	p := newPlatform(t, accept)
	a := &journalAdapter{journal: f}
	a.start = func(context.Context) error {
		within(t, "both sidecars are there", func() bool { return f.String() == "+one, +two" || f.String() == "+two, +one" })
		f.record("+adapter")
		return nil
	}
	in, out := make(chan bool), make(chan bool)
	a.invoke = func(context.Context, *protocol.Event) ([]byte, error) {
		in <- true
		<-out
		f.record("event")
		return nil, nil
	}
	r := run(t, p, a, func(s *Supervisor) {
		s.Sidecars = Sidecars{List: []Sidecar{f.sidecar("one"), f.sidecar("two")}, Log: s.Log}
		s.StopCommand = shell("echo stop >>" + string(f))
	})
	p.events <- event{id: "1"}
	<-in
	r.stop()
	out <- true
	r.stopAndWait(t)
	want := "+adapter, event, -adapter, -two, -one, stop"
	if _, got, _ := strings.Cut(f.String(), "two, "); !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want …%q", f, want)
	}
}

// The whole stop has one limit, even if nothing wants to exit.
func TestLimitOfStop(t *testing.T) {
	checkLeaks(t)
	const limit = time.Second
	p := newPlatform(t, accept)
	entered := make(chan bool, 1)
	a := &adapter{invoke: func(ctx context.Context, ev *protocol.Event) ([]byte, error) {
		entered <- true
		<-ctx.Done()
		var stop *StopError
		if !errors.As(context.Cause(ctx), &stop) || time.Until(stop.Until) > limit {
			t.Errorf("got the cause %v", context.Cause(ctx))
		}
		return nil, nil
	}}
	stubborn := shell("trap '' TERM; echo up; while :; do sleep 0.01; done")
	var up [2]writeSignal
	r := run(t, p, a, func(s *Supervisor) {
		s.StopTimeout = limit
		for i := range up {
			up[i] = make(writeSignal, 1)
			c := *stubborn
			c.Outputs = []io.Writer{up[i], io.Discard}
			s.Sidecars.List = append(s.Sidecars.List, Sidecar{Name: fmt.Sprint(i), Command: c})
		}
		s.Sidecars.Log = s.Log
		c := *stubborn
		c.Outputs = []io.Writer{io.Discard, io.Discard}
		s.StopCommand = &c
	})
	p.events <- event{id: "1"}
	<-entered
	<-up[0]
	<-up[1]
	began := time.Now()
	r.stopAndWait(t)
	if took := time.Since(began); took < limit/2 || took > limit+bound/2 {
		t.Errorf("it took %v, want about %v", took, limit)
	}
	p.wantPosts(t, post{"response", "1", "", ""})
	if !strings.Contains(r.log.String(), "the stop command timed out") {
		t.Errorf("got the log %s", r.log)
	}
}

// An answer that the platform does not take leaves time for the rest of the
// stop.
func TestStopWithoutAnswer(t *testing.T) {
	checkLeaks(t)
	f := journal(filepath.Join(t.TempDir(), "order"))
	p := newPlatform(t, func(post) int { return 500 })
	a := &adapter{invoke: func(context.Context, *protocol.Event) ([]byte, error) { return nil, nil }}
	p.events <- event{id: "1"}
	r := run(t, p, a, func(s *Supervisor) {
		s.StopTimeout = 3 * time.Second
		s.StopCommand = shell("echo stop >>" + string(f))
	})
	p.post(t)
	r.stopAndWait(t)
	if got := f.String(); got != "stop" {
		t.Errorf("got %q, want the stop command\n%s", got, r.log)
	}
}

// A writeSignal signals the first write.
type writeSignal chan bool

func (w writeSignal) Write(p []byte) (int, error) {
	select {
	case w <- true:
	default:
	}
	return len(p), nil
}

func TestStopCommandFails(t *testing.T) {
	for command, want := range map[string]string{
		"exit 3":     "the stop command failed: exit=3",
		"kill -9 $$": `the stop command failed: exit="signal 9"`,
		"":           "cannot run the stop command: error=",
	} {
		t.Run(command, func(t *testing.T) {
			checkLeaks(t)
			c := shell(command)
			c.Outputs = []io.Writer{io.Discard, io.Discard}
			if command == "" {
				c.Path = "/none"
			}
			out := &locked.Buffer{}
			s := &Supervisor{StopCommand: c, Log: hclog.New(&hclog.LoggerOptions{Output: out})}
			s.runStopCommand()
			if got := out.String(); !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// All things that must still stop have the same share of the time.
func TestShare(t *testing.T) {
	s := &Supervisor{StopTimeout: 9 * time.Second}
	for things, want := range map[int]time.Duration{1: 9 * time.Second, 9: time.Second, 18: 500 * time.Millisecond, 90: 100 * time.Millisecond} {
		if got := s.shareOfStop(things); got > want || got < want*9/10 {
			t.Errorf("of %d: got %v, want %v", things, got, want)
		}
	}
	s = &Supervisor{StopTimeout: time.Nanosecond}
	if got := s.shareOfStop(1); got != 0 {
		t.Errorf("when the time is over: got %v", got)
	}
}
