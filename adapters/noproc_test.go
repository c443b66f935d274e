package adapters

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"bootstrap/internal/effort"
)

// withoutProc makes the interpreter of c run in a namespace in which shell code
// has hidden /proc.
func withoutProc(t *testing.T, c *setup, name, setup string) {
	t.Helper()
	if out, err := exec.Command("unshare", "--mount", "sh", "-c", setup).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine lets no test hide /proc: %v %s", err, out)
	}
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	bin := folder(t, files{name: fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh -c '%s && exec %s \"$@\"' sh \"$@\"\n", setup, program)})
	path := bin
	if name != "sh" { // which is taken where there is no bash
		path += ":" + os.Getenv("PATH")
	}
	c.Getenv = func(name string) string {
		if name == "PATH" {
			return path
		}
		return os.Getenv(name)
	}
}

// withoutProcs are sandboxes without /proc. The second has it elsewhere, where
// /dev/fd leads.
var withoutProcs = map[string]func(dir string) string{
	"no /proc": func(string) string { return "mount -t tmpfs none /proc" },
	"only /dev/fd": func(dir string) string {
		return "mount -t proc none " + dir + " && mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s " + dir + "/self/fd /dev/fd && mount -t tmpfs none /proc"
	},
}

// A function in a shell gets its event unchanged.
func TestShellsWithoutProc(t *testing.T) {
	for way, setup := range withoutProcs {
		t.Run("sh, "+way, func(t *testing.T) {
			c := script(t, `main() { test ! -e /proc/self || return 9; printf %s "$1"; cat >&2; }`)
			withoutProc(t, &c, "sh", setup(t.TempDir()))
			servesTexts(t, sh, c)
		})
		t.Run("bash, "+way, func(t *testing.T) {
			bashes(t, func(t *testing.T, d dialect) {
				c := script(t, `main() { test ! -e /proc/self || return 9; printf %s "$1"; cat >&2; }`)
				withoutProc(t, &c, "bash", setup(t.TempDir()))
				servesTexts(t, d, c)
			})
		})
	}
}

// servesTexts checks a function that answers with its argument, and logs its
// stdin.
func servesTexts(t *testing.T, d dialect, c setup) {
	t.Helper()
	log := &hook{}
	c.Stderr = log
	a := start(t, c)
	for _, name := range inTurn(d, 3, sorted(texts)) {
		text := texts[name]
		succeeds(t, a, text, strings.TrimRight(text, "\n"))
		if got := log.String(); got != text {
			t.Errorf("stdin: got %s, want %s", short(got), short(text))
		}
		log.Reset()
	}
	large := strings.Repeat("'\\x", effort.Repeats(700_000))
	succeeds(t, a, large, large)
}

// A Node function works, too.
func TestNodeWithoutProc(t *testing.T) {
	for way, setup := range withoutProcs {
		t.Run(way, func(t *testing.T) {
			c, _ := node(t, "exports.main_handler = async (event) => [event, require('fs').existsSync('/proc/self')];")
			withoutProc(t, &c, "node", setup(t.TempDir()))
			a := start(t, c)
			for range 3 {
				succeeds(t, a, `"text"`, `["text",false]`)
			}
		})
	}
}
