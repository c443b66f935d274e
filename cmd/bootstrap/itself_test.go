package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every way to name this program as the command is refused before anything
// starts, and the error names it.
func TestItself(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	list := func(args ...string) string {
		text, _ := json.Marshal(args) // strings only: cannot fail
		return string(text)
	}
	tests := []struct {
		name     string
		vars     map[string]string
		procfile string
		want     string // begins the message; empty: it is not refused
	}{
		{"the handler", map[string]string{"_HANDLER": "bootstrap"}, "", `_HANDLER is "bootstrap": `},
		{"a handler with a path", map[string]string{"_HANDLER": "./bootstrap"}, "", `_HANDLER is "./bootstrap": `},
		{"a command", map[string]string{"BOOTSTRAP_COMMAND": list(self)}, "", "BOOTSTRAP_COMMAND (environment): "},
		{"a command in the code folder", map[string]string{"BOOTSTRAP_COMMAND": list("./bootstrap")}, "", "BOOTSTRAP_COMMAND (environment): "},
		{"a command with a handler", map[string]string{"BOOTSTRAP_COMMAND": list(self, "index.main")}, "", "BOOTSTRAP_COMMAND (environment): "},
		{"the init command", map[string]string{"BOOTSTRAP_INIT_COMMAND": list(self)}, "", "BOOTSTRAP_INIT_COMMAND (environment): "},
		{"the stop command", map[string]string{"BOOTSTRAP_STOP_COMMAND": list(self)}, "", "BOOTSTRAP_STOP_COMMAND (environment): "},
		{"a sidecar", map[string]string{"BOOTSTRAP_SIDECARS": "Procfile"}, "agent: " + list(self), "Procfile:1: sidecar agent: "},
		{"the probe", map[string]string{"BOOTSTRAP_COMMAND": list(self, "probe")}, "", ""},
		{"another program", map[string]string{"BOOTSTRAP_COMMAND": list("cat")}, "", ""},
		{"a shell line", map[string]string{"BOOTSTRAP_COMMAND": "./bootstrap"}, "", "BOOTSTRAP_COMMAND (environment): "},
		{"a shell line with more", map[string]string{"BOOTSTRAP_COMMAND": "A=b exec ./bootstrap 2>&1 | cat"}, "", "BOOTSTRAP_COMMAND (environment): "},
		{"a shell line for init", map[string]string{"BOOTSTRAP_INIT_COMMAND": "./bootstrap; true"}, "", "BOOTSTRAP_INIT_COMMAND (environment): "},
		{"a shell line for a sidecar", map[string]string{"BOOTSTRAP_SIDECARS": "Procfile"}, "agent: ./bootstrap index.main", "Procfile:1: sidecar agent: "},
		{"a shell line that probes", map[string]string{"BOOTSTRAP_COMMAND": "./bootstrap probe | cat"}, "", ""},
		{"a shell line that is not plain", map[string]string{"BOOTSTRAP_COMMAND": `"$PWD"/bootstrap`}, "", ""},
		{"another shell line", map[string]string{"BOOTSTRAP_COMMAND": "cat ./bootstrap"}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(self, filepath.Join(dir, "bootstrap")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "Procfile"), []byte(test.procfile), 0o600); err != nil {
				t.Fatal(err)
			}
			setEnv(t, map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "LAMBDA_TASK_ROOT": dir})
			for name, value := range test.vars {
				t.Setenv(name, value)
			}
			want := exitUsage
			if test.want == "" {
				want = exitStopped
			}
			stdout, _ := runWith(t, want, "check")
			if refused := strings.Contains(stdout, test.want+"it is this runtime itself"); refused != (test.want != "") {
				t.Errorf("got %q, want …%s…", stdout, test.want)
			}
		})
	}
}

// A shell line that starts the runtime again fails at once.
func TestInside(t *testing.T) {
	tests := []struct {
		name, inside string
		refused      bool
	}{
		{"the same address", "127.0.0.1:1", true},
		{"the address of another emulator", "127.0.0.1:2", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setEnv(t, map[string]string{"RUNTIME_API_ADDR": "127.0.0.1:1", "RUNTIME_CODE_ROOT": t.TempDir(), insideVariable: test.inside, "BOOTSTRAP_STDERR": "invalid"})
			_, stderr := runWith(t, exitUsage)
			if got := strings.Contains(stderr, "cannot run inside itself"); got != test.refused {
				t.Errorf("got %q", stderr)
			}
			if !test.refused && os.Getenv(insideVariable) != "127.0.0.1:1" {
				t.Errorf("%s is %q", insideVariable, os.Getenv(insideVariable))
			}
		})
	}
}
