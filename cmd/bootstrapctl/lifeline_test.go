//go:build linux

package main

import (
	"io"
	"strings"
	"testing"
)

// The flag -watch, which local has, does not make invoke the watcher.
func TestInvokeHasNoWatch(t *testing.T) {
	var log strings.Builder
	if status := invoke(t.Context(), []string{"-watch"}, strings.NewReader(""), io.Discard, &log); status != exitUsage || !strings.Contains(log.String(), "-watch") {
		t.Errorf("got status %d and %q, want an unknown flag", status, log.String())
	}
}
