package integration

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWords checks that .ci/words finds each form, and nothing in good prose.
func TestWords(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("../.ci/words")
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"// size: how long it is.", "// It is to" + "ld.", "var most" + "Kept int", `const message = "` + `want a number"`, "// It is " + "no file.", "// The process is " + "ended."}
	good := []string{"// size returns the length.", "// There is no file.", "// It is no longer there.", "const unwanted = 1"}
	for _, row := range []struct {
		lines  []string
		found  int
		status int
	}{{bad, len(bad), 1}, {good, 0, 0}} {
		folder := t.TempDir()
		for i, line := range row.lines {
			write(t, folder, string(rune('a'+i))+".go", "package x\n\n"+line+"\nfunc size() {}\n", 0o644)
		}
		for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
			if out, err := exec.Command("git", append([]string{"-C", folder}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("git %v: %v: %s", args, err, out)
			}
		}
		cmd := exec.Command(script)
		cmd.Dir = folder
		stdout, stderr, status := output(t, cmd)
		if strings.Count(stdout, "\n") != row.found || status != row.status {
			t.Errorf("got status %d and %s%s, expected %d places", status, stdout, stderr, row.found)
		}
	}
}
