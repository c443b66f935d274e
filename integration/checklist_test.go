package integration

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	withID   = regexp.MustCompile(`^Test[PETRALC]\d\d[A-Z]`)
	tested   = regexp.MustCompile("`((?:Test|Fuzz)\\w+)(…?)`")
	idRow    = regexp.MustCompile(`(?m)^\| ([PETRALC]\d\d) \|.*\|.*\|$`)
)

// CHECKLIST.md names existing tests, names all tests with an id, and has a test
// or a reason in each row.
func TestChecklist(t *testing.T) {
	text, err := os.ReadFile("CHECKLIST.md")
	if err != nil {
		t.Fatal(err)
	}
	exist, named := testNames(t), map[string]bool{}
	for _, m := range tested.FindAllStringSubmatch(string(text), -1) {
		matches := matching(exist, m[1], m[2] != "")
		if len(matches) == 0 {
			t.Errorf("there is no test %s%s", m[1], m[2])
		}
		for _, name := range matches {
			named[name] = true
		}
	}
	for name := range exist {
		if withID.MatchString(name) && !named[name] {
			t.Errorf("%s is not listed", name)
		}
	}
	checkRows(t, string(text))
}

// testNames returns the names of all tests in the project.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names, tree := map[string]bool{}, os.DirFS("..")
	err := fs.WalkDir(tree, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := fs.ReadFile(tree, path)
		for _, m := range testFunc.FindAllSubmatch(code, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func matching(names map[string]bool, name string, prefix bool) (found []string) {
	for n := range names {
		if n == name || prefix && strings.HasPrefix(n, name) {
			found = append(found, n)
		}
	}
	return found
}

// checkRows checks that every id is in the list once, with a test or a reason.
func checkRows(t *testing.T, text string) {
	t.Helper()
	rows := map[string]int{}
	for _, m := range idRow.FindAllStringSubmatch(text, -1) {
		rows[m[1][:1]]++
		if !tested.MatchString(m[0]) && !strings.Contains(m[0], "not yet: ") && !strings.Contains(m[0], "does not apply: ") {
			t.Errorf("no test and no reason: %s", m[0])
		}
	}
	for section, want := range map[string]int{"P": 20, "E": 14, "T": 18, "R": 35, "A": 24, "L": 14, "C": 14} {
		if rows[section] != want {
			t.Errorf("section %s has %d rows, want %d", section, rows[section], want)
		}
	}
}
