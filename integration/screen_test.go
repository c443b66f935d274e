package integration

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// screens lists invocations and what they print, to pipes and to a terminal.
// SCREENS_OUT=testdata/screens rewrites the expected texts.
var screens = map[string]struct {
	file, code string
	args       []string
}{
	"result":        {"index.sh", `main_handler() { echo "a log line" >&2; printf '{"name": "Ada", "age": 36, "tags": [true, null]}'; }`, nil},
	"text":          {"index.sh", `main_handler() { printf 'not JSON'; }`, nil},
	"empty":         {"index.sh", `main_handler() { :; }`, nil},
	"exit":          {"index.sh", `main_handler() { echo "no such customer" >&2; return 3; }`, nil},
	"raise":         {"index.py", "import sys\nsys.tracebacklimit = 0\ndef main_handler(event, context):\n    raise KeyError('name')\n", nil},
	"start":         {"index.sh", "main_handler() { :; }", []string{"-handler", "index.other"}},
	"gone":          {"index.sh", "", []string{"-runtime", "echo cannot find the config; exit 7"}},
	"silent":        {"index.sh", "", []string{"-runtime", "exit 7"}},
	"late":          {"index.sh", "main_handler() { exec sleep 60; }", []string{"-timeout", "4s"}},
	"repeat":        {"index.sh", `main_handler() { [ -e failed ] && { printf '{"n": 1}'; return; }; touch failed; return 4; }`, []string{"-repeat", "3"}},
	"quiet":         {"index.sh", `main_handler() { echo "a log line" >&2; printf '[1]'; }`, []string{"-q"}},
	"quiet failure": {"index.sh", `main_handler() { echo "no such customer" >&2; return 3; }`, []string{"-q"}},
}

func TestScreens(t *testing.T) {
	for name, s := range screens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, s.file, s.code, 0o644)
			args := append([]string{"invoke", "-dir", dir}, s.args...)
			stdout, stderr, _ := ctl(t, nil, args...)
			_ = os.Remove(filepath.Join(dir, "failed")) // it is there or not
			got := steady("--- stdout, a pipe\n"+stdout+"\n--- stderr, a pipe\n"+stderr+"--- a terminal\n"+onTerminal(t, nil, args...), dir)
			golden(t, filepath.Join("testdata/screens", strings.ReplaceAll(name, " ", "_")+".txt"), got)
		})
	}
}

// onTerminal returns what bootstrapctl writes to a terminal, with names for
// colours.
func onTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	keys, screen := openTerminal(t)
	cmd := exec.Command(bootstrapctl, args...)
	cmd.Env = append(append(os.Environ(), "TERM=xterm"), env...)
	controlledBy(cmd, screen)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	screen.Close()
	text, err := io.ReadAll(keys)
	if err != nil && !errors.Is(err, syscall.EIO) { // which is the end of a terminal
		t.Error(err)
	}
	_ = cmd.Wait() // with the status of the function
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

var unsteady = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`\x1b\[([\d;]+)m`), "<$1>"},
	{regexp.MustCompile(`bootstrap \S+ \(the one in bootstrapctl\)`), "bootstrap VERSION (the one in bootstrapctl)"},
	{regexp.MustCompile(` +\d+(\.\d+)? m?s\b`), " N ms"},
	{regexp.MustCompile(` \d+(\.\d+)?m?s after`), " N ms after"},
	{regexp.MustCompile(`, memory \d+\.\d of`), ", memory N of"},
}

// steady replaces the values that differ from run to run.
func steady(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "DIR")
	for _, u := range unsteady {
		text = u.form.ReplaceAllString(text, u.name)
	}
	return text
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if out := os.Getenv("SCREENS_OUT"); out != "" {
		if err := os.WriteFile(filepath.Join(out, filepath.Base(file)), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s: got\n%s\nwant\n%s, %v", file, got, want, err)
	}
}

// NO_COLOR and similar settings turn colours off.
func TestNoColor(t *testing.T) {
	dir := shellFunction(t, `printf '{"a": 1}'`)
	for _, variable := range []string{"NO_COLOR=1", "TERM=dumb"} {
		if text := onTerminal(t, []string{variable}, "invoke", "-dir", dir); strings.Contains(text, "\x1b") {
			t.Errorf("%s: got %q, want no colours", variable, text)
		}
	}
}

// -v shows the runtime's own lines unchanged, and the request id.
func TestVerbose(t *testing.T) {
	_, stderr, _ := ctl(t, nil, "invoke", "-v", "-dir", shellFunction(t, "echo ok"))
	for _, form := range []string{`Z \[INFO\]  bootstrap: starting: platform=scf`, `bootstrap: ready: `, `bootstrap: stopped\n`, `, request id [0-9a-f-]{36}\n`} {
		if !regexp.MustCompile(form).MatchString(stderr) {
			t.Errorf("got no %s in\n%s", form, stderr)
		}
	}
}
