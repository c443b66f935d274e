package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// built returns the tools with the programs of this source.
func built(t *testing.T) *tools {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	t.Chdir("../..")
	dir := t.TempDir()
	p := programs{filepath.Join(dir, "bootstrap"), filepath.Join(dir, "bootstrapctl")}
	for program, source := range map[string]string{p.bootstrap: "./cmd/bootstrap", p.bootstrapctl: "./cmd/bootstrapctl"} {
		cmd := exec.Command("go", "build", "-o", program, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	tools, err := prepare(p, dir)
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// The local platform is also measured without AWS's emulator. The tables then
// say why it is missing.
func TestLocalWithoutEmulator(t *testing.T) {
	tools := built(t)
	tools.rieMissing = errors.New("cannot build it: no network")
	r := measureLocal(tools, localEffort{rounds: 1, events: 60, starts: 1, memory: 20}, func(string) {})
	if err := errors.Join(r.ours.failures[0], r.ours.failures[1], r.ours.failures[4], r.ours.failures[50], r.ours.memory, r.inProcessErr); err != nil {
		t.Error(err)
	}
	if r.ours.idle == 0 || len(r.inProcess) != 1 || r.ours.middle(50).p99 == 0 {
		t.Errorf("got no figures: %+v", r.ours)
	}
	text := r.targets() + r.loads()
	if got, want := strings.Count(text, "**not measured**: cannot build it: no network"), 4+len(callerCounts); got != want {
		t.Errorf("got %d cells that say why AWS's emulator is missing, want %d:\n%s", got, want, text)
	}
	if left := children(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Without a network and without Go's cache of modules there is neither an emulator nor
// AWS's library, and the reason is one line.
func TestModulesOutOfReach(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
	var tools tools
	tools.buildEmulator(t.TempDir())
	_, err := tools.emulator().serve()
	wantOneLine(t, err)
	tools.buildInGo(t.TempDir())
	_, err = start(tools.inGo())
	wantOneLine(t, err)
}

// wantOneLine checks that an error is one line that says why a build failed.
func wantOneLine(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "cannot build it: exit status 1: ") || !strings.Contains(err.Error(), "GOPROXY=off") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that says why", err)
	}
}

// If a server has panicked, its cell says so.
func TestPanickingServer(t *testing.T) {
	f := front{
		name: "panics",
		command: func(address, _ string) []string {
			return []string{"/bin/sh", "-c", "echo 'panic: two at a time'; exit 2"}
		},
		code: t.TempDir(), env: os.Environ(),
	}
	b := newSide(f)
	b.round(f, localEffort{events: 1, starts: 1})
	if got := b.failed(4); !errors.Is(got, errExited) || !strings.Contains(got.Error(), "its log: panic: two at a time") {
		t.Errorf("got %v, want that it exited and why", got)
	}
}

// Each caller must get the answer to its own event.
func TestCallersCheckAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"another event": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"caller":7}`) }, "status 200"},
		"a refusal":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "status 429"},
		"a hang-up":     {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		server := httptest.NewServer(row.answer)
		_, err := invokeAll(server.Listener.Addr().String(), 3, 10)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, row.want)
		}
		server.Close()
	}
}

func TestShare(t *testing.T) {
	for _, callers := range callerCounts {
		sum := 0
		for n := range callers {
			sum += share(99, callers, n)
		}
		if sum != 99 {
			t.Errorf("%d callers: got %d events, want 99", callers, sum)
		}
	}
}

func TestPercentile(t *testing.T) {
	var sorted []time.Duration
	for n := range 200 {
		sorted = append(sorted, time.Duration(n+1))
	}
	if p50, p99 := percentile(sorted, 50), percentile(sorted, 99); p50 != 100 || p99 != 198 {
		t.Errorf("got %d and %d, want 100 and 198", p50, p99)
	}
	if got := percentile(sorted[:1], 99); got != 1 {
		t.Errorf("got %d, want the only value", got)
	}
}

func TestFreeAddresses(t *testing.T) {
	a, b, err := freeAddresses()
	if err != nil || a == b {
		t.Fatalf("got %s and %s, %v", a, b, err)
	}
	for _, address := range []string{a, b} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
