package integration

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestPackagesTable checks that the packages in docs/architecture.md exist, and
// that it has each package of the runtime.
func TestPackagesTable(t *testing.T) {
	_, table, _ := strings.Cut(readDocument(t, "docs/architecture.md"), "## Packages")
	table, _, _ = strings.Cut(table, "Imports go")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		listed[m[1]] = true
	}
	if len(listed) == 0 {
		t.Fatal("docs/architecture.md has no table of packages")
	}
	for name := range listed {
		_, err := os.Stat("../" + name)
		_, errTool := os.Stat("../cmd/bootstrapctl/internal/" + name)
		if err != nil && errTool != nil {
			t.Errorf("docs/architecture.md lists %s, which does not exist: %v", name, err)
		}
	}
	out, err := exec.Command("go", "list", "-deps", "../cmd/bootstrap").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		name, ours := strings.CutPrefix(path, "bootstrap/")
		isPart := strings.Contains(name, "cmd/") && strings.Contains(name, "/internal/")
		if ours && !isPart && !listed[name] {
			t.Errorf("docs/architecture.md does not list %s", name)
		}
	}
}
