package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The answer to each mistake says what to do.
func TestHints(t *testing.T) {
	dir := shellFunction(t, `printf '%s' "$1"`)
	broken := filepath.Join(t.TempDir(), "event.json")
	write(t, filepath.Dir(broken), "event.json", "{\n\t\"a\": 1,\n\t\"b\": oops\n}\n", 0o644)
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"unknown command":   {[]string{"invok"}, []string{`unknown command "invok": did you mean invoke?`, "bootstrapctl help"}},
		"duration":          {[]string{"invoke", "-timeout", "60"}, []string{`-timeout "60": expected a duration such as 60s`}},
		"number":            {[]string{"invoke", "-memory", "128MB"}, []string{`-memory "128MB": expected a whole number`}},
		"platform":          {[]string{"invoke", "-dir", dir, "-platform", "lamda"}, []string{"expected scf, functiongraph or lambda: did you mean lambda?"}},
		"JSON on a line":    {[]string{"invoke", "-dir", dir, "-event", `{"a": 1,}`}, []string{"-event:1:9: the event is not JSON: ", "\n  {\"a\": 1,}\n          ^\n"}},
		"JSON in a file":    {[]string{"invoke", "-dir", dir, "-event-file", broken}, []string{broken + ":3:7: the event is not JSON", "\n  \t\"b\": oops\n  \t     ^\n"}},
		"JSON breaks off":   {[]string{"invoke", "-dir", dir, "-event", `{"a": [1`}, []string{"-event:1:9: the event is not JSON: unexpected end"}},
		"empty event":       {[]string{"invoke", "-dir", dir, "-event", ""}, []string{"the event is empty: expected JSON, such as {}"}},
		"endless file":      {[]string{"invoke", "-dir", dir, "-event-file", "/dev/zero"}, []string{"/dev/zero: it is larger than 6291456 bytes, the limit of Tencent SCF"}},
		"more and less":     {[]string{"invoke", "-dir", dir, "-v", "-q"}, []string{"-v and -q"}},
		"help for a nobody": {[]string{"help", "nobody"}, []string{`unknown command "nobody"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := ctl(t, nil, test.args...)
			if status != 2 || strings.Count(stdout+stderr, "\n") > 5 {
				t.Errorf("got status %d, want 2 and five lines at most:\n%s", status, stdout+stderr)
			}
			for _, text := range test.want {
				if !strings.Contains(stdout+stderr, text) {
					t.Errorf("got\n%swant %q", stderr, text)
				}
			}
		})
	}
}

// Help can be asked for in many ways.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"help"}, {"invoke", "-h"}, {"invoke", "--help"}, {"help", "invoke"}, {"help", "help"}, {"help", "-h"}, {"help", "--help"}, {"--version"}, {"version"}} {
		stdout, stderr, status := ctl(t, nil, args...)
		want := "bootstrapctl invoke"
		if strings.HasSuffix(args[0], "version") {
			want = "\n"
		}
		if status != 0 || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q: got status %d and\n%s%s", args, status, stdout, stderr)
		}
	}
}

// Editors on Windows begin files with a byte order mark.
func TestByteOrderMark(t *testing.T) {
	dir := shellFunction(t, `printf '%s' "$1"`)
	write(t, dir, "event.json", "\ufeff[1]", 0o644)
	if stdout, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-event-file", filepath.Join(dir, "event.json")); stdout != "[1]" || status != 0 {
		t.Errorf("got %q, %d, %s", stdout, status, stderr)
	}
}

// A surprising setting causes a warning of one line, and others cause none.
func TestWarnings(t *testing.T) {
	other := filepath.Join(t.TempDir(), "bootstrap")
	if err := build(other, "-ldflags", "-X bootstrap/cmd/internal/version.linked=v0.0.1-other", "../cmd/bootstrap"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		prepare func(t *testing.T, dir string)
		args    []string
		env     string
		want    string // empty: no warning
	}{
		"nothing":         {},
		"shell variable":  {env: "BOOTSTRAP_GRACE=1s", want: "BOOTSTRAP_GRACE of this shell does not reach the function; to pass it on: -env BOOTSTRAP_GRACE=…"},
		"passed variable": {env: "BOOTSTRAP_GRACE=1s", args: []string{"-env", "BOOTSTRAP_GRACE=2s"}},
		"Procfile":        {prepare: file("Procfile", "a: sleep 60\n", 0o644), want: "the Procfile has no effect without BOOTSTRAP_SIDECARS=Procfile"},
		"Procfile with its option": {prepare: func(t *testing.T, dir string) {
			write(t, dir, "Procfile", "a: sleep 60\n", 0o644)
			write(t, dir, "bootstrap.env", "BOOTSTRAP_SIDECARS=Procfile\n", 0o644)
		}},
		"other runtime": {prepare: func(t *testing.T, dir string) { copyProgram(t, other, filepath.Join(dir, "bootstrap")) },
			want: "/bootstrap is version v0.0.1-other, bootstrapctl has version "},
		"same runtime":    {prepare: func(t *testing.T, dir string) { copyProgram(t, bootstrap, filepath.Join(dir, "bootstrap")) }},
		"several scripts": {prepare: file("index.py", "", 0o644), want: "the handler matches several scripts: index.sh runs, not index.py"},
		"one at a time":   {args: []string{"-platform", "functiongraph", "-concurrency", "2"}, want: "pass -env BOOTSTRAP_CONCURRENCY=2"},
		"two at a time":   {args: []string{"-platform", "functiongraph", "-concurrency", "2", "-env", "BOOTSTRAP_CONCURRENCY=2"}},
		"private file":    {prepare: file("key.pem", "", 0o600), want: "key.pem (mode 0600)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := shellFunction(t, "echo ok")
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if test.prepare != nil {
				test.prepare(t, dir)
			}
			cmd := exec.Command(bootstrapctl, append([]string{"invoke", "-dir", dir}, test.args...)...)
			if cmd.Env = os.Environ(); test.env != "" {
				cmd.Env = append(cmd.Env, test.env)
			}
			stdout, stderr, status := output(t, cmd)
			if stdout != "ok" || status != 0 || strings.Contains(stderr, "warning: ") != (test.want != "") || !strings.Contains(stderr, test.want) {
				t.Errorf("got %q, status %d and\n%swant the warning %q", stdout, status, stderr, test.want)
			}
		})
	}
}

// A worker that writes its frames to stdout would otherwise wait for ever.
func TestWorkerOnStdout(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "worker", "#!/bin/sh\necho '{\"ready\":true}'\nread -r event\n", 0o755)
	_, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-env", "BOOTSTRAP_ADAPTER=worker", "-env", `BOOTSTRAP_COMMAND=["./worker"]`, "-env", "BOOTSTRAP_START_TIMEOUT=1s")
	if status != 1 || !strings.Contains(stderr, "write them to descriptor 3") {
		t.Errorf("got status %d and\n%s", status, stderr)
	}
}

func file(name, text string, mode os.FileMode) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) { write(t, dir, name, text, mode) }
}

// "go build" alone makes a bootstrapctl that works: it builds the runtime from
// source, or says how to.
func TestGoBuild(t *testing.T) {
	alone := filepath.Join(t.TempDir(), "bootstrapctl")
	empty := filepath.Join(t.TempDir(), "overlay.json") // of a tree in which make has not run
	write(t, filepath.Dir(empty), "overlay.json", withoutRuntimes(t), 0o644)
	if err := build(alone, "-overlay="+empty, "../cmd/bootstrapctl"); err != nil {
		t.Fatal(err)
	}
	dir := shellFunction(t, "echo ok")
	if stdout, stderr, status := output(t, exec.Command(alone, "invoke", "-dir", dir)); stdout != "ok" || status != 0 || !strings.Contains(stderr, "(built from source)") {
		t.Errorf("got %q, %d, %s", stdout, status, stderr)
	}
	cmd := exec.Command(alone, "invoke", "-dir", dir)
	cmd.Env = []string{"PATH=/nowhere"}
	if stdout, stderr, status := output(t, cmd); stdout != "" || status != 1 || !strings.Contains(stderr, `run "make" there`) {
		t.Errorf("without Go: got %q, %d, %s", stdout, status, stderr)
	}
	if err := build(alone, "-trimpath", "-overlay="+empty, "../cmd/bootstrapctl"); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, status := output(t, exec.Command(alone, "invoke", "-dir", dir)); stdout != "" || status != 1 || !strings.Contains(stderr, `build it with "make"`) {
		t.Errorf("without the source: got %q, %d, %s", stdout, status, stderr)
	}
}

// withoutRuntimes returns an overlay with which bootstrapctl carries no
// runtime.
func withoutRuntimes(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../cmd/bootstrapctl/runtime")
	if err != nil {
		t.Fatal(err)
	}
	return `{"Replace": {"` + folder + `/bootstrap-amd64": "", "` + folder + `/bootstrap-arm64": ""}}`
}
