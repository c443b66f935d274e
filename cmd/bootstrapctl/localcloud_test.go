//go:build linux

package main

import (
	"os"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/screen"
	"bootstrap/protocol"
)

// A function whose code is gone is not reported as restarted.
func TestRestartFails(t *testing.T) {
	var out strings.Builder
	c := &localCloud{board: screen.NewBoard(&out, false, os.Getenv), Cloud: local.New(local.Options{
		Temp: t.TempDir(), Runtime: func(string) ([]string, error) { return []string{"true"}, nil },
	})}
	defer c.Close()
	dir := t.TempDir()
	if _, err := c.Create(local.Settings{Name: "f", Platform: protocol.SCF}, local.Code{Path: dir}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	c.restart()
	if !strings.Contains(out.String(), "cannot restart f") || strings.Contains(out.String(), "restarted:") {
		t.Errorf("got %q", out.String())
	}
}
