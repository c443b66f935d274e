package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestParseProcfile(t *testing.T) {
	const want = `expected "name: command", with a name of letters, digits, _ and -`
	for name, row := range map[string]struct {
		text    string
		entries [][2]string
		errors  []string
	}{
		"one":                {"db: redis-server", [][2]string{{"db", "redis-server"}}, nil},
		"in order":           {"z: 1\na: 2\nm: 3\n", [][2]string{{"z", "1"}, {"a", "2"}, {"m", "3"}}, nil},
		"comments, blanks":   {"# all\n\n  # more\n\t\na: b # c\n", [][2]string{{"a", "b # c"}}, nil},
		"spaces":             {"  a:\t b  c \n", [][2]string{{"a", "b  c"}}, nil},
		"no space":           {"a:b", [][2]string{{"a", "b"}}, nil},
		"colons":             {"a: b: c", [][2]string{{"a", "b: c"}}, nil},
		"windows":            {"\ufeffa: b\r\n\r\nc: d\r\n", [][2]string{{"a", "b"}, {"c", "d"}}, nil},
		"names":              {"A-z_09: b", [][2]string{{"A-z_09", "b"}}, nil},
		"arguments":          {`a: ["b", "c d"]`, [][2]string{{"a", `["b", "c d"]`}}, nil},
		"names differ":       {"a: b\nA: b", [][2]string{{"a", "b"}, {"A", "b"}}, nil},
		"empty":              {"", nil, []string{`Procfile defines no sidecar: expected a file with lines such as "name: command"`}},
		"only comments":      {"# a: b\n", nil, []string{`Procfile defines no sidecar: expected a file with lines such as "name: command"`}},
		"no colon":           {"a: b\nsecret\n", [][2]string{{"a", "b"}}, []string{"Procfile:2: " + want}},
		"no name":            {": b", nil, []string{"Procfile:1: " + want}},
		"odd name":           {"a b: c\nd.e: f\nü: g\nh : i", nil, []string{"Procfile:1: " + want, "Procfile:2: " + want, "Procfile:3: " + want, "Procfile:4: " + want}},
		"no command":         {"a:\nb: # c", [][2]string{{"b", "# c"}}, []string{`Procfile:1: "a" has no command`}},
		"twice":              {"a: b\nc: d\na: e\na: f", [][2]string{{"a", "b"}, {"c", "d"}}, []string{`Procfile:3: "a" is also defined in Procfile:1`, `Procfile:4: "a" is also defined in Procfile:1`}},
		"all that are wrong": {"a:\nb\nc: d\nc: e", [][2]string{{"c", "d"}}, []string{`Procfile:1: "a" has no command`, "Procfile:2: " + want, `Procfile:4: "c" is also defined in Procfile:3`}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, errs := parseProcfile("Procfile", row.text)
			if got := namesAndCommands(entries); !slices.Equal(got, row.entries) {
				t.Errorf("got %q, want %q", got, row.entries)
			}
			var got []string
			for _, c := range errs {
				got = append(got, c.Error())
			}
			if !slices.Equal(got, row.errors) {
				t.Errorf("got the errs %q, want %q", got, row.errors)
			}
		})
	}
}

// namesAndCommands returns the names and commands.
func namesAndCommands(entries []entry) (all [][2]string) {
	for _, e := range entries {
		all = append(all, [2]string{e.name, e.command})
	}
	return all
}

// Any text gives sidecars, each with its own name and a command, or an error.
var entryName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func FuzzProcfile(f *testing.F) {
	for _, seed := range []string{"", "a: b", "a: b\nc: d", "a: b\na: c", "\ufeff#\r\na:b\r\n", ":", "a:", "\x00: \xff", "a: \x00", "a:\u2028b", "\ufeff\ufeffa: b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, errs := parseProcfile("Procfile", text)
		if len(errs)+len(entries) == 0 {
			t.Errorf("%q: got neither sidecars nor an error", text)
		}
		names := map[string]bool{}
		for _, e := range entries {
			if e.command == "" || strings.ContainsAny(e.command, "\n") || !entryName.MatchString(e.name) || names[e.name] {
				t.Errorf("%q: got %q", text, entries)
			}
			names[e.name] = true
		}
		again, errs := parseProcfile("Procfile", procfileText(entries))
		if len(entries) > 0 && (errs != nil || !slices.Equal(namesAndCommands(again), namesAndCommands(entries))) {
			t.Errorf("%q: got %q, and of these %q, %v", text, entries, again, errs)
		}
	})
}

func procfileText(entries []entry) (text string) {
	for _, e := range entries {
		text += e.name + ": " + e.command + "\n"
	}
	return text
}

// writeProcfile puts a Procfile into a new folder.
func writeProcfile(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Procfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReadSidecars(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin")
	dir := writeProcfile(t, "line: exec sleep $N\nlist: [\"bin/tool\", \"a b\"]\nfound: [\"env\"]\n")
	tool := filepath.Join(dir, "bin/tool")
	if err := os.Mkdir(filepath.Dir(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tool, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"Procfile", filepath.Join(dir, "Procfile"), "bin/../Procfile"} {
		got, errs := readSidecars(file, dir)
		if errs != nil {
			t.Fatalf("%s: %v", file, errs)
		}
		for i, want := range []struct {
			name, path string
			args       []string
		}{
			{"line", "/bin/bash", []string{"/bin/bash", "-c", "exec sleep $N", "bash"}},
			{"list", tool, []string{"bin/tool", "a b"}},
			{"found", "/usr/bin/env", []string{"env"}},
		} {
			c := got[i].Command
			if got[i].Name != want.name || c.Path != want.path || !slices.Equal(c.Args, want.args) || c.Dir != dir || !slices.Equal(c.Env, os.Environ()) {
				t.Errorf("%s: got %+v, want %+v in %s", file, got[i], want, dir)
			}
		}
	}
}

// An error names the file or the sidecar, and does not quote commands.
func TestReadSidecarsErrors(t *testing.T) {
	dir := writeProcfile(t, "a: [\"secret\"\nb: [\"nowhere/tool\"]\nc: [\"no-such-tool\"]\nd: true\ne: []\n\nsecret\n")
	_, errs := readSidecars("Procfile", dir)
	for i, want := range []string{
		"Procfile:7: expected \"name: command\"",
		"Procfile:1: sidecar a: it begins with [ but is not a JSON array of strings",
		"Procfile:2: sidecar b: " + dir + "/nowhere/tool does not exist",
		`Procfile:3: sidecar c: "no-such-tool" is not in PATH`,
		"Procfile:5: sidecar e: it begins with [ but is not a JSON array of strings",
	} {
		if len(errs) != 5 || !strings.HasPrefix(errs[i].Error(), want) || strings.Contains(errs[i].Error(), "secret") {
			t.Errorf("error %d: got %q, want %q", i, errs, want)
		}
	}
	for _, file := range []string{"Profile", dir + "/Profile", "."} {
		_, errs := readSidecars(file, dir)
		err := errors.Join(errs...)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the file: ") || !strings.Contains(err.Error(), filepath.Join(dir, filepath.Base(dir+"/"+file))) {
			t.Errorf("%s: got the error %v, want one with its path", file, err)
		}
	}
}

// A large file that is not a Procfile does not cause an error for each line.
func TestReadSidecarsOfAnyFile(t *testing.T) {
	dir := writeProcfile(t, strings.Repeat("{}\n", 12_000))
	_, errs := readSidecars("Procfile", dir)
	if n := len(errs); n != maxErrors+1 || !strings.HasPrefix(errs[n-1].Error(), "Procfile: 11980 more errors: expected a file") {
		t.Errorf("got %d errs, the last %v", n, errs[n-1])
	}
}

// The explanation of an exit comes from the last run.
func TestSidecarLastOutput(t *testing.T) {
	dir := writeProcfile(t, "db: true\n")
	r := newBuilder(&Config{Sidecars: "Procfile"}, nil, dir, io.Discard)
	if err := r.findSidecars(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"error: no room", "", "error: no licence"} {
		if _, err := fmt.Fprintln(r.sidecars[0].Command.Outputs[1], want); err != nil {
			t.Fatal(err)
		}
		if got := r.sidecars[0].LastOutput(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
