package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bootstrap/internal/envfile"
)

const project = "../.."

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(project, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOptionsTable checks that the table in docs/options.md is what Config's
// tags say. With UPDATE_DOCS set, it writes the table.
func TestOptionsTable(t *testing.T) {
	var want strings.Builder
	for _, o := range options() {
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", o.name, o.value, o.text)
	}
	const head = "| variable | default | meaning |\n| --- | --- | --- |\n"
	before, after, found := strings.Cut(document(t, "docs/options.md"), head)
	rest := strings.TrimLeft(regexp.MustCompile("(?m)^\\| `.*\n").ReplaceAllString(after, ""), "\n")
	page := before + head + want.String()
	if rest != "" {
		page += "\n" + rest
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(filepath.Join(project, "docs/options.md"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !found || before+head+after != page {
		t.Errorf("docs/options.md is out of date: run UPDATE_DOCS=1 go test -run TestOptionsTable ./cmd/bootstrap; expected the table\n%s", want.String())
	}
}

var errorType = regexp.MustCompile(`["'\x60]((?:Function|Runtime)\.[A-Z][A-Za-z]*)["'\x60]`)

// errorTypes returns the error types in the code of the runtime.
func errorTypes(t *testing.T) map[string]bool {
	t.Helper()
	types := map[string]bool{}
	for _, folder := range []string{"adapters", "supervisor", "cmd/bootstrap"} {
		err := fs.WalkDir(os.DirFS(filepath.Join(project, folder)), ".", func(path string, _ fs.DirEntry, err error) error {
			isCode := slices.Contains([]string{".go", ".py", ".js", ".sh"}, filepath.Ext(path)) && !strings.HasSuffix(path, "_test.go")
			if err != nil || !isCode {
				return err
			}
			for _, m := range errorType.FindAllStringSubmatch(document(t, filepath.Join(folder, path)), -1) {
				types[m[1]] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return types
}

// TestErrorsTable checks that docs/errors.md has a row for each error type in
// the code, and no other row.
func TestErrorsTable(t *testing.T) {
	inCode, inTable := errorTypes(t), map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]\\w+\\.\\w+)` \\| .+ \\| .+ \\|$").FindAllStringSubmatch(document(t, "docs/errors.md"), -1) {
		if inTable[m[1]] {
			t.Errorf("docs/errors.md has two rows for %s", m[1])
		}
		inTable[m[1]] = true
		if !inCode[m[1]] {
			t.Errorf("docs/errors.md explains %s, which no code reports", m[1])
		}
	}
	for name := range inCode {
		if !inTable[name] {
			t.Errorf("docs/errors.md does not explain %s", name)
		}
	}
}

// TestOptionsInDocs checks that each option that a document names exists.
func TestOptionsInDocs(t *testing.T) {
	known := map[string]bool{"BOOTSTRAP_ENV_FILE": true, "BOOTSTRAP_": true}
	for _, o := range options() {
		known[o.name] = true
	}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/README.md"} {
		files, err := filepath.Glob(filepath.Join(project, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			name, _ := filepath.Rel(project, file)
			for _, option := range regexp.MustCompile(`BOOTSTRAP_[A-Z_]*`).FindAllString(document(t, name), -1) {
				if !known[option] {
					t.Errorf("%s names the option %s, which does not exist", name, option)
				}
			}
		}
	}
}

// TestEnvFileInDocs checks that the bootstrap.env in docs/options.md means what
// its comments say.
func TestEnvFileInDocs(t *testing.T) {
	_, text, _ := strings.Cut(document(t, "docs/options.md"), "```sh\n")
	text, _, _ = strings.Cut(text, "```")
	want := []envfile.Variable{
		{Name: "BOOTSTRAP_TIMEOUT", Value: "10s", Line: 2},
		{Name: "BOOTSTRAP_COMMAND", Value: `["jq", ".name"]`, Line: 3},
		{Name: "GREETING", Value: "Hello, $1", Line: 5},
		{Name: "PADDING", Value: "  two blanks", Line: 7},
	}
	if got, complaints := envfile.Parse(text); complaints != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, complaints, want)
	}
}
