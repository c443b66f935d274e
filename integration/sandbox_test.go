package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol/emulator"
)

// sandbox is the profile under which each test runs bootstrap. The variable SANDBOX
// selects it.
var sandbox = profiles[os.Getenv("SANDBOX")]

// checkSandbox returns an error if the tests cannot run in the sandbox, and
// prints which properties they cannot test.
func checkSandbox() error {
	name := os.Getenv("SANDBOX")
	if name != "" && sandbox.denials == nil {
		return fmt.Errorf("SANDBOX=%s is not one of %q", name, slices.Sorted(maps.Keys(profiles)))
	}
	if text := sandbox.untested(); text != "" {
		fmt.Println(text)
	}
	return nil
}

// runtimeCommand returns bootstrap behind a wrapper, in the sandbox.
func runtimeCommand(wrapper ...string) []string {
	if name := os.Getenv("SANDBOX"); name != "" {
		wrapper = append(slices.Clone(wrapper), os.Args[0], underFlag, name)
	}
	return append(slices.Clone(wrapper), bootstrap)
}

// profileIn returns the profile that a command names.
func profileIn(command []string) profile {
	if i := slices.Index(command, underFlag); i >= 0 {
		return profiles[command[i+1]]
	}
	return profile{}
}

// open lets the user of a sandbox into the folders of a function.
func (s surroundings) open(t testing.TB, fn emulator.Function) {
	t.Helper()
	if s.user == 0 || !mayMount() {
		return
	}
	folders := []string{fn.Dir}
	for _, v := range fn.Env {
		if folder, is := strings.CutPrefix(v, "TMPDIR="); is {
			folders = append(folders, folder)
		}
	}
	for _, folder := range folders {
		for path := folder; own(path); path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = os.Chmod(filepath.Join(fn.Dir, "bin"), 0o777) // not every function has one
}

// untested returns which properties a test under the profile cannot show, or
// "".
func (p profile) untested() string {
	if p.around.plain() || mayMount() {
		return ""
	}
	return "NOT TESTED: without root, and the right to mount, there is no other user, file system or process 1 here: the tests show the system calls only"
}

// finds returns those kinds of escapes that the runtime can find and handle.
func (p profile) finds(kinds ...string) []string {
	return slices.DeleteFunc(kinds, func(kind string) bool {
		return p.forgets && strings.HasSuffix(kind, "bare") || p.around.deafInit && kind == "fleeing" // thousands of zombies
	})
}

// patience is a time limit for events. It is longer in a sandbox, where
// bootstrap has more to start and to search, and longer still where it tries
// 32768 process numbers.
func (p profile) patience(limit time.Duration) time.Duration {
	switch {
	case p.denials == nil:
		return limit
	case p.around.noProc:
		return 4 * limit
	}
	return 2 * limit
}

// fewer returns the ways that differ in more than the delivery, for long tests in a
// sandbox.
func (p profile) fewer(ways []way) []way {
	if p.denials == nil {
		return ways
	}
	return slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return w.name == "argv" || w.name == "file" || w.name == "shell line" })
}
