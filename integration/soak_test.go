package integration

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// soaked is a function that obeys its event.
const soaked = `
soaked() {
	case $1 in
	result) echo "a result" ;;
	failure) echo "no such customer" >&2; exit 3 ;;
	leftovers) sleep 300 & (setsid sleep 300 &); (true & exec sleep 0) & echo "a result" ;;
	oversize) head -c 7000000 /dev/zero ;;
	timeout) sleep 300 ;;
	esac
}
`

// mix defines the kind of each event: the first of these whose number divides
// the event's. Timeouts have a shorter limit than the others. Only one of 25 events
// fails, because the new host after each failure takes as long to start as a hundred
// events.
var mix = []struct {
	every       int
	event, want string
	header      http.Header
}{
	{500, "timeout", "Function.Timeout", http.Header{"Time_Limit_In_Ms": {"300"}}},
	{250, "oversize", "Function.ResponseSizeTooLarge", nil},
	{50, "leftovers", "", nil},
	{25, "failure", "Function.ExitError", nil},
	{1, "result", "", nil},
}

const (
	room  = 8 << 20 // bytes more that may be resident in the end
	quiet = 20000   // small events within which Go's collector must have given back what large ones took
)

// After many events of each kind, all resources are as after a few. SOAK_EVENTS
// sets their number for each of these ways.
func TestT11Soak(t *testing.T) {
	events, err := strconv.Atoi(cmp.Or(os.Getenv("SOAK_EVENTS"), strconv.Itoa(effort.Repeats(250))))
	if err != nil || events < 10 {
		t.Fatalf("SOAK_EVENTS must be a number from 10 on: %v", err)
	}
	for i, way := range []struct{ name, handler, file, code, env string }{
		{"file", "tool", "tool", "#!/bin/sh\n" + soaked + `read -r what <"$1"; soaked "$what"`, "BOOTSTRAP_DELIVERY=file"},
		{"function", "index.main_handler", "index.sh", soaked + `main_handler() { soaked "$1"; }`, "BOOTSTRAP_DELIVERY=stdin"},
		{"standby", "tool", "tool", "#!/bin/sh\n" + soaked + `soaked "$(cat)"`, "BOOTSTRAP_STANDBY=true"},
		{"python", "index.main_handler", "index.py", pythonSoaked + "\nmain_handler = lambda event, context: soaked(event)\n", "BOOTSTRAP_DELIVERY=stdin"},
		{"worker", "worker", "worker", "#!/usr/bin/env python3\n" + pythonSoaked + "\ndef run(event, facts):\n    return soaked(event.decode())\n" + pythonWorker, "BOOTSTRAP_ADAPTER=worker"},
		{"stdin with sidecars", "tool", "tool", "#!/bin/sh\n" + soaked + `soaked "$(cat)"`, "BOOTSTRAP_SIDECARS=Procfile"},
	} {
		if !effort.HasTurn(i, 2) {
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(way.code, "import ") && !inPath("python3") {
				t.Skip("NOT TESTED: this machine has no python3")
			}
			dir := t.TempDir()
			write(t, dir, way.file, way.code, 0o755)
			write(t, dir, "Procfile", sidecars, 0o644)
			kind, _, beside := strings.Cut(way.name, " with ")
			s := newSoak(t, kind, emulator.Function{Handler: way.handler, Dir: dir, Timeout: time.Minute, Env: []string{way.env}})
			if beside {
				s.way.idle = []string{"sleep"} // the one that lives
			}
			s.run(events)
		})
	}
}

// sidecars has a sidecar that stays, and one that exits and leaves a process
// behind each time.
const sidecars = `
lives: exec sleep 300
crashes: setsid sleep 300 & sleep 0.2; exit 3
`

// pythonSoaked does the same as soaked in a resident process, which exits at a
// failure.
const pythonSoaked = `
import json, os, subprocess, sys, time

def soaked(what):
    if what == "failure":
        sys.stderr.write("no such customer\n")
        sys.stderr.flush()
        os._exit(3)
    if what == "leftovers":
        subprocess.call(["sh", "-c", "sleep 300 & (setsid sleep 300 &); (true & exec sleep 0) &"], stdout=2)
    if what == "oversize":
        return bytes(7000000)
    if what == "timeout":
        time.sleep(300)
    return b"a result\n"
`

// A soak is a runtime under many events, and the resources that it uses.
type soak struct {
	t      *testing.T
	server *emulator.Server
	runner *emulator.Runner
	log    *debugLog
	tmp    string
	sent   int
	way    way
}

func newSoak(t *testing.T, way string, fn emulator.Function) *soak {
	s := &soak{t: t, way: named(way), log: &debugLog{}, tmp: t.TempDir()}
	fn.Env = append(fn.Env, "TMPDIR="+s.tmp, "BOOTSTRAP_LOG_LEVEL=debug")
	s.server, s.runner = start(t, protocol.SCF, fn, s.log)
	return s
}

// run measures after a warm-up, after each tenth of the events, and when the
// garbage of the last large one is gone.
func (s *soak) run(events int) {
	s.t.Logf("%-8s %8s %10s %12s %11s %10s %8s %11s", "", "events", "memory/KB", "descriptors", "goroutines", "processes", "zombies", "temp files")
	first := s.small(effort.Repeats(500), 0)
	for range 10 {
		s.send(events / 10)
		s.compare(first, s.small(1, 0))
	}
	if last := s.small(quiet, first.memory+room); last.memory > first.memory+room {
		s.t.Errorf("memory: got %d KB, want at most %d more than %d", last.memory>>10, room>>10, first.memory>>10)
	}
	clean(s.t, protocol.SCF, s.server, s.runner, s.sent, s.tmp)
}

func (s *soak) send(n int) {
	for range n {
		s.one(s.sent + 1)
	}
}

// one sends an event of the mix.
func (s *soak) one(number int) {
	for _, m := range mix {
		if number%m.every > 0 {
			continue
		}
		out := s.invoke(m.event, m.header)
		if out.ErrorType != m.want || (out.Kind == emulator.Result) != (m.want == "") {
			s.t.Fatalf("event %d, %s: got %v %.300s, want the error type %q", number, m.event, out.Kind, out.Body, m.want)
		}
		return
	}
}

func (s *soak) invoke(event string, header http.Header) emulator.Outcome {
	out, err := s.runner.Invoke(context.Background(), emulator.Event{Body: s.way.event(event), Header: header})
	if err != nil {
		s.t.Fatal(err)
	}
	s.sent++
	return out
}

// A use holds the resources of a runtime and its descendants between two events.
type use struct {
	memory                                                 int // bytes
	descriptors, goroutines, processes, zombies, tempFiles int
}

// small sends small events, until the resident memory is at most enough, and returns
// what is in use.
func (s *soak) small(events, enough int) (u use) {
	s.t.Helper()
	var last emulator.Outcome
	for u.memory = enough + 1; events > 0 && u.memory > enough; events-- {
		last = s.invoke("result", nil)
		u.memory = s.memory()
	}
	s.polling()
	idle := func(procs []proc) bool { return len(procs) == 1+len(s.way.idle) }
	for looked := false; !looked; looked = idle(tree(pidOf(s.runner))) || s.t.Failed() { // a sidecar may come meanwhile
		eventually(s.t, pidOf(s.runner), fmt.Sprintf("the processes %q", s.way.idle), idle)
		s.look(&u, last.ID)
	}
	s.t.Logf("%-8s %8d %10d %12d %11d %10d %8d %11d", filepath.Base(s.t.Name()), s.sent, u.memory>>10,
		u.descriptors, u.goroutines, u.processes, u.zombies, u.tempFiles)
	return u
}

// memory returns the resident memory of the runtime and its descendants.
func (s *soak) memory() (sum int) {
	for _, p := range tree(pidOf(s.runner)) {
		sum += resident(p.pid)
	}
	return sum
}

// polling waits until the runtime has cleared up and asks for the next event.
func (s *soak) polling() {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); s.server.Stats().Polls <= s.sent; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("after %d events it does not ask for the next: %+v", s.sent, s.server.Stats())
		}
	}
}

// look fills in everything except the memory, after the event with that id.
func (s *soak) look(u *use, id string) {
	pid := pidOf(s.runner)
	u.goroutines = s.log.goroutines(s.t, id)
	procs := tree(pid)
	u.processes, u.zombies = len(procs)-1, zombies(procs)
	u.descriptors, u.tempFiles = descriptors(s.t, pid), entries(s.t, s.tmp)
}

// compare checks that nothing has grown, except the memory, which may vary.
func (s *soak) compare(first, now use) {
	s.t.Helper()
	first.memory, now.memory = 0, 0
	if now != first {
		s.t.Errorf("got %+v, want %+v, as in the beginning", now, first)
	}
}

// resident returns the resident memory of a process, in bytes.
func resident(pid int) int {
	statm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // gone: nothing
	fields := strings.Fields(string(statm) + " 0 0")
	pages, _ := strconv.Atoi(fields[1]) // the kernel wrote it
	return pages * os.Getpagesize()
}

func entries(t testing.TB, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
