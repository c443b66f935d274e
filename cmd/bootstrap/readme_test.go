package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The README's table of options is what the struct says.
func TestReadmeOptions(t *testing.T) {
	var want strings.Builder
	want.WriteString("| variable | default | meaning |\n| --- | --- | --- |\n")
	for _, o := range options() {
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", o.name, o.value, o.text)
	}
	if !strings.Contains(readme(t), want.String()+"\n") {
		t.Errorf("the README's options must be:\n%s", want.String())
	}
}

// The README's table of errors has each type that the code can post.
func TestReadmeErrors(t *testing.T) {
	files, err := filepath.Glob("../../[as]*/*.go") // adapters, supervisor
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	text, kind := readme(t), regexp.MustCompile(`"((?:Function|Runtime)\.[A-Z][A-Za-z]*)"`)
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil || strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range kind.FindAllStringSubmatch(string(code), -1) {
			if !strings.Contains(text, "`"+m[1]+"`") {
				t.Errorf("the README does not explain %s of %s", m[1], file)
			}
		}
	}
}

// The README's bootstrap.env means what its comments say.
func TestReadmeEnvFile(t *testing.T) {
	_, text, _ := strings.Cut(readme(t), "lines of a file `bootstrap.env`")
	_, text, _ = strings.Cut(text, "```sh\n")
	text, _, _ = strings.Cut(text, "```")
	want := []variable{
		{"BOOTSTRAP_TIMEOUT", "10s", "bootstrap.env:1"},
		{"BOOTSTRAP_COMMAND", `["jq", ".name"]`, "bootstrap.env:2"},
		{"GREETING", "Hello, $1", "bootstrap.env:3"},
	}
	if got, complaints := parseEnvFile(text); complaints != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, complaints, want)
	}
}
