package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDeployGuides runs the commands of bootstrapctl in each guide, in order, in
// an empty folder, and then has doctor look at the zip.
func TestDeployGuides(t *testing.T) {
	guides, err := filepath.Glob("../docs/deploy-*.md")
	if err != nil || len(guides) != 5 {
		t.Fatalf("got %q, %v, want 5 guides", guides, err)
	}
	for _, guide := range guides {
		t.Run(filepath.Base(guide), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(guide)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			commands := commandsOf(t, guide)
			for _, m := range regexp.MustCompile("`(bootstrapctl doctor [^`]*)`").FindAllSubmatch(text, -1) {
				commands = append(commands, string(m[1]))
			}
			for _, command := range commands {
				if !strings.HasPrefix(command, "bootstrapctl ") {
					continue
				}
				if stdout, stderr, status := shellIn(t, dir, command); status != 0 {
					t.Errorf("%s: got status %d, %s%s", command, status, stdout, stderr)
				}
			}
			for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllSubmatch(text, -1) {
				if _, err := os.Stat(filepath.Join("../docs", string(m[1]))); err != nil {
					t.Errorf("a link leads nowhere: %v", err)
				}
			}
			if len(commands) < 4 {
				t.Errorf("got the commands %q", commands)
			}
		})
	}
}
