package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// check lists all errors, each in a line, and starts nothing.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap.env"), []byte("BOOTSTRAP_GRACE=5\nBOOTSTRAP_TIMOUT=3s\nBOOTSTRAP_SIDECARS=Procfile\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	setEnv(t, map[string]string{"USER_CODE_ROOT": dir, "SCF_RUNTIME_API": "127.0.0.1", "_HANDLER": "index.main_handler"})
	unsetEnv(t, "BOOTSTRAP_TIMOUT") // until the file sets it
	stdout, _ := runWith(t, exitUsage, "check")
	for _, want := range []string{
		"error: BOOTSTRAP_GRACE is \"5\" (bootstrap.env:1): ",
		"warning: unknown option: BOOTSTRAP_TIMOUT (bootstrap.env:2): did you mean BOOTSTRAP_TIMEOUT?",
		"error: BOOTSTRAP_SIDECARS is \"Procfile\" (bootstrap.env:3): ",
	} {
		if !strings.Contains("\n"+stdout, "\n"+want) {
			t.Errorf("got %q, want a line %q", stdout, want)
		}
	}
	if lines := strings.Count(stdout, "\n"); lines != 3 {
		t.Errorf("got %d lines, want 3: %s", lines, stdout)
	}
}

// A platform that does not exist is an error of the configuration.
func TestCheckPlatform(t *testing.T) {
	setEnv(t, map[string]string{"USER_CODE_ROOT": t.TempDir(), "BOOTSTRAP_PLATFORM": "sfc", "BOOTSTRAP_GRACE": "5"})
	stdout, stderr := runWith(t, exitUsage, "check")
	for _, want := range []string{`error: BOOTSTRAP_PLATFORM is "sfc" (environment): `, `error: BOOTSTRAP_GRACE is "5" (environment): `} {
		if !strings.Contains("\n"+stdout, "\n"+want) || stderr != "" {
			t.Errorf("got %q and %q, want a line %q", stdout, stderr, want)
		}
	}
}

// No line shows a secret, even one that is in the wrong variable.
func TestCheckHidesSecrets(t *testing.T) {
	setEnv(t, map[string]string{"USER_CODE_ROOT": t.TempDir(), "SCF_RUNTIME_API": "127.0.0.1", "_HANDLER": "index.main_handler",
		"BOOTSTRAP_SECRETS": "DB_PASSWORD", "DB_PASSWORD": "hush-hush", "BOOTSTRAP_GRACE": "hush-hush", "BOOTSTRAP_COMAND": "curl -u me:other"})
	if stdout, _ := runWith(t, exitUsage, "check"); strings.Contains(stdout, "hush-hush") || strings.Contains(stdout, "other") || !strings.Contains(stdout, "BOOTSTRAP_COMAND") {
		t.Errorf("got %q", stdout)
	}
}

// A correct configuration has no errors.
func TestCheckNothing(t *testing.T) {
	setEnv(t, map[string]string{"USER_CODE_ROOT": t.TempDir(), "SCF_RUNTIME_API": "127.0.0.1", "_HANDLER": "index.main_handler"})
	if stdout, _ := runWith(t, exitStopped, "check"); stdout != "" {
		t.Errorf("got %q, want nothing", stdout)
	}
}

// Without a platform check fails.
func TestCheckWithoutPlatform(t *testing.T) {
	setEnv(t, nil)
	if _, stderr := runWith(t, exitUsage, "check"); !strings.Contains(stderr, "not on a platform") {
		t.Errorf("got %q", stderr)
	}
}
