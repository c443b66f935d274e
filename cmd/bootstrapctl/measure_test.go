//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A start that fails has no duration, and doctor says why it failed.
func TestMeasureFailedStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out, log strings.Builder
	status := diagnose(t.Context(), []string{"-measure", dir}, nil, &out, &log)
	if status != exitFailure || out.Len() == 0 || !strings.Contains(log.String(), "exit status 3") {
		t.Errorf("got status %d, %q and %q, want a report and exit status 3", status, out.String(), log.String())
	}
}
