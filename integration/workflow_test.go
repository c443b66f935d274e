package integration

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestWorkflow checks that CI runs .ci/run, and that its actions are pinned by
// commit.
func TestWorkflow(t *testing.T) {
	text := readDocument(t, ".github/workflows/ci.yml")
	if !strings.Contains(text, "- run: .ci/run\n") {
		t.Error("the workflow does not run .ci/run")
	}
	actions := regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(text, -1)
	if len(actions) == 0 {
		t.Error("the workflow uses no action")
	}
	for _, m := range actions {
		if !regexp.MustCompile(`^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`).MatchString(m[1]) {
			t.Errorf("%s is not pinned by commit, with its version in a comment", m[1])
		}
	}
}

// TestMakeHelp checks that make help lists each target, except targets that are
// parts of another.
func TestMakeHelp(t *testing.T) {
	help, err := exec.Command("make", "-C", "..", "--no-print-directory", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, targets, _ := strings.Cut(readDocument(t, "Makefile"), ".PHONY: ")
	targets, _, _ = strings.Cut(targets, "\n")
	for _, target := range strings.Fields(targets) {
		part := target == "all" || target == "style" || target == "imports"
		if !part && !strings.Contains(string(help), "make "+target+" ") {
			t.Errorf("make help does not list %s", target)
		}
	}
}
