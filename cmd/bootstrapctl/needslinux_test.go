package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The command for Docker has the same arguments.
func TestNeedsLinux(t *testing.T) {
	args := []string{"-event", `{"name": "Ada's"}`, "-dir", "hello"}
	text := needsLinux("arm64", "/home/me/my code", "invoke", args)
	_, line, found := strings.Cut(text, "\n  docker ")
	if line, _, _ = strings.Cut(line, "\n"); !found {
		t.Fatalf("got %s, want a line for docker", text)
	}
	out, err := exec.Command("sh", "-c", `printf '%s\n' `+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{"run", "--rm", "-v", "/home/me/my code:/function", "-w", "/function", "debian:stable-slim", "./bootstrapctl-linux-arm64", "invoke"}, args...)
	if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
