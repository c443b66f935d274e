package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bootstrap/internal/effort"
)

// commandsOf returns the indented commands of an example's README.
func commandsOf(t *testing.T, file string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllSubmatch(text, -1) {
		commands = append(commands, string(m[1]))
	}
	return commands
}

// TestExamplesToBuild runs the commands of the READMEs of examples that are
// built, in a copy of the examples, and packs what was built.
func TestExamplesToBuild(t *testing.T) {
	effort.LongOnly(t)
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string]string{"go": " -handler hello", "wasm": ""} {
		event, err := os.ReadFile(filepath.Join("../examples", name, "event.json"))
		if err != nil {
			t.Fatal(err)
		}
		commands := commandsOf(t, filepath.Join("../examples", name, "README.md"))
		result := ""
		for _, command := range commands {
			stdout, stderr, status := shellIn(t, root, command)
			if status != 0 {
				t.Fatalf("%s: got status %d, %s", command, status, stderr)
			}
			result = stdout
		}
		if len(commands) < 2 || !greets(string(event), result) {
			t.Errorf("%s: got %q of %q", name, result, commands)
		}
		stdout, stderr, status := shellIn(t, root, "bootstrapctl pack"+flags+" examples/"+name)
		if status != 0 || strings.Contains(stdout, "warning:") || strings.Contains(stdout, "error:") {
			t.Errorf("%s: pack: got status %d, %s%s", name, status, stdout, stderr)
		}
	}
}
