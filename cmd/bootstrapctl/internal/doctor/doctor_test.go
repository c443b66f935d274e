package doctor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bootstrap/adapters/command"
	"bootstrap/cmd/bootstrapctl/internal/pack"
	"bootstrap/protocol"
)

// TestTable makes sure that each row has an identifier of its own, and a remedy,
// and that the checks name rows only.
func TestTable(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range rules {
		if ids[r.id] || r.id == "" || r.what == "" || r.fix == "" {
			t.Errorf("got the row %+v", r)
		}
		ids[r.id] = true
		for platform := range r.cloud {
			if _, ok := systems[platform]; !ok && platform != "" {
				t.Errorf("%s: got the platform %q", r.id, platform)
			}
		}
	}
	used := regexp.MustCompile(`(?:add|addTo|ruleOf|problem)\("([a-z-]+)"`)
	for _, folder := range []string{".", "../pack"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range used.FindAllSubmatch(text, -1) {
				if !ids[string(m[1])] && !strings.HasSuffix(file, "_test.go") {
					t.Errorf("%s names %q, which is not in the table", file, m[1])
				}
			}
		}
	}
}

// TestSystems makes sure that each platform has a system.
func TestSystems(t *testing.T) {
	for _, p := range protocol.Platforms {
		s, ok := systems[p.Name]
		if !ok || s.folder == "" || s.upload == 0 || s.unpacked == 0 || s.storage == "" {
			t.Errorf("%s: got %+v", p.Name, s)
		}
	}
}

func TestNewer(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{{"2.34", "2.17", true}, {"2.4", "2.17", false}, {"2.17", "2.17", false}, {"2.2.5", "2.3", false}, {"2.3", "", true}, {"PRIVATE", "2.3", false}} {
		if got := newer(test.a, test.b); got != test.want {
			t.Errorf("newer(%q, %q): got %v", test.a, test.b, got)
		}
	}
}

// examineProgram examines a folder whose handler is a file with that content.
func examineProgram(t testing.TB, content []byte, platform *protocol.Platform) *Report {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	tree, err := pack.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Examine(t.Context(), Function{Tree: tree, Platform: platform, Handler: "tool", Arch: "amd64"}, t.TempDir())
}

// examineFiles examines a folder with these files.
func examineFiles(t *testing.T, files map[string]string, fn Function) *Report {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := pack.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	fn.Tree, fn.Platform, fn.Arch = tree, protocol.SCF, "amd64"
	return Examine(t.Context(), fn, t.TempDir())
}

// A damaged bootstrap is an error, also if the handler names it.
func TestDamagedBootstrap(t *testing.T) {
	files := map[string]string{"bootstrap": "\x7fELF\x02\x01\x01", "tool": "#!/bin/sh\n"}
	for _, handler := range []string{"tool", "bootstrap"} {
		report := examineFiles(t, files, Function{Handler: handler})
		if len(report.Findings) != 1 || report.Findings[0].ID != "program-damaged" || report.Findings[0].Level != Error {
			t.Errorf("%s: got %+v", handler, report.Findings)
		}
	}
}

// The function's own script is parsed, however many others come before it.
func TestManyScripts(t *testing.T) {
	files := map[string]string{"tool": "#!/bin/sh\nif\n"}
	for i := range maxParsed {
		files[fmt.Sprintf("lib%d.sh", i)] = ":\n"
	}
	report := examineFiles(t, files, Function{Handler: "tool", Look: exec.LookPath})
	if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.ID == "syntax" && f.File == "tool" }) {
		t.Errorf("got %+v", report.Findings)
	}
	if want := "the syntax of more than 50 scripts"; !slices.Contains(report.Skipped, want) {
		t.Errorf("got %q, want %q", report.Skipped, want)
	}
}

// The function may be at the end of a bundle that is too long to be searched.
func TestLongScript(t *testing.T) {
	for length, found := range map[int]bool{maxScript - 100: true, maxScript: false} {
		files := map[string]string{"index.js": strings.Repeat("x", length) + "\nexports.handler = 1\n", "short.js": "exports.other = 1\n"}
		for _, handler := range []string{"index.handler", "index.gone", "short.handler"} {
			report := examineFiles(t, files, Function{Handler: handler})
			missing := slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.ID == "function-missing" })
			if want := handler == "short.handler" || handler == "index.gone" && found; missing != want {
				t.Errorf("%s, %d bytes: got %+v", handler, length, report.Findings)
			}
		}
	}
}

// FuzzAgreesWithRuntime makes sure that a program that the runtime would refuse
// on a platform has an error.
func FuzzAgreesWithRuntime(f *testing.F) {
	for _, text := range []string{"", "echo hi", "#!/bin/sh\n", "#!/bin/sh\r\n", "#!", "#! \n", "#!/nix/x\n", "\ufeff#!/bin/sh\n", "\ufeff", "\x7fELF", "MZ", "\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, p := range protocol.Platforms {
			x := &exam{Function: &Function{Tree: &pack.Tree{}, Arch: "amd64"}, system: systems[p.Name]}
			refused := command.Inspect("tool", 0o755, content[:min(len(content), 4096)], x.lacks)
			if report := examineProgram(t, content, p); refused != nil && report.Count(Error) == 0 {
				t.Errorf("%s: the runtime says %q, and doctor finds %+v", p.Name, refused.Message, report.Findings)
			}
		}
	})
}

// FuzzReadBinary makes sure that no file makes readBinary panic.
func FuzzReadBinary(f *testing.F) {
	if self, err := os.Executable(); err == nil {
		if program, err := os.ReadFile(self); err == nil {
			f.Add(program[:4096])
		}
	}
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := readBinary(bytes.NewReader(content))
		if (b == nil) == (err == nil) {
			t.Errorf("got %+v, %v", b, err)
		}
	})
}
