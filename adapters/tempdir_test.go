package adapters

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bootstrap/supervisor"

	"golang.org/x/sys/unix"
)

// entries are the names in our temp folder.
func entries(t *testing.T) (names []string) {
	t.Helper()
	all, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// Each event has a folder of its own, which is removed, whatever is in it,
// before the next one.
func TestTempPerEvent(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"program": func(*Config) {},
		"standby": func(c *Config) { c.Standby = true },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, files{"tool": "#!/bin/sh\neval \"$(cat)\""})
			c.Handler, c.TempPerEvent = "tool", true
			change(&c)
			a := start(t, c)
			seen := map[string]bool{}
			for range 3 {
				a.(supervisor.Preparer).Prepare()
				dir, failure := invoke(t, a, `mkdir -p "$TMPDIR/a/b" && echo x >"$TMPDIR/a/b/c" && chmod 0 "$TMPDIR/a" && printf %s "$TMPDIR"`)
				if failure != nil || seen[dir] || filepath.Dir(dir) != os.TempDir() {
					t.Errorf("got %s, %v", dir, failure)
				}
				seen[dir] = true
				if names := entries(t); len(names) != 1 {
					t.Errorf("after an event: got %q, want its folder", names)
				}
			}
			a.(supervisor.Preparer).Prepare()
			if names := entries(t); len(names) != 1 || seen[filepath.Join(os.TempDir(), names[0])] {
				t.Errorf("before the next one: got %q, want a new folder", names)
			}
		})
	}
}

// A folder that only its owner may change can be removed all the same. Root
// may change any.
func TestTempReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	if err := os.MkdirAll(filepath.Join(dir, "a", "b", "c"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b/c", "a/b", "a"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o555); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		t.Log("NOT TESTED as another user than root")
	}
	if err := removeAll(dir); err != nil {
		t.Error(err)
	}
}

// What a bootstrap has left that was killed goes; what belongs to one that
// lives stays.
func TestTempStale(t *testing.T) {
	c := config(t, files{"tool": "#!/bin/sh\n"})
	c.Handler = "tool"
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		fmt.Sprintf("%s%d-1", tempPrefix, dead.Process.Pid),
		fmt.Sprintf("%s%d-2", tempPrefix, os.Getpid()),
		fmt.Sprintf("%s%d-3", tempPrefix, os.Getppid()),
		tempPrefix + "x-4",
	} {
		if err := os.MkdirAll(filepath.Join(os.TempDir(), name, "a"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.TempPerEvent, c.Init = true, &Init{}
	start(t, c)
	names := entries(t)
	if len(names) != 2 || !strings.HasSuffix(names[0], "-3") || !strings.HasSuffix(names[1], "-4") {
		t.Errorf("got %q, want those of a living one", names)
	}
	for _, name := range names {
		_ = os.RemoveAll(filepath.Join(os.TempDir(), name)) // the test looks
	}
}

// Where no folder can be made the event fails, and says so; the next one is
// served.
func TestTempCannotBeMade(t *testing.T) {
	c := config(t, files{"tool": "#!/bin/sh\nprintf ok"})
	c.Handler, c.TempPerEvent = "tool", true
	a := start(t, c)
	temp := os.Getenv("TMPDIR")
	t.Setenv("TMPDIR", filepath.Join(temp, "none"))
	a.(supervisor.Preparer).Prepare()
	fails(t, a, "", "Runtime.TempError", "cannot make the folder of an event: ")
	t.Setenv("TMPDIR", temp)
	succeeds(t, a, "", "ok")
}

// noTemp makes the temp folder one in which nothing can be made.
func noTemp(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(os.TempDir(), "none")
	t.Setenv("TMPDIR", dir)
	return dir
}

// A function in a shell needs no temp folder: each event is as it was sent,
// also after a longer one.
func TestFunctionWithoutTemp(t *testing.T) {
	for name, shell := range map[string]func(*testing.T, string) Config{"bash": script, "sh": shScript} {
		t.Run(name, func(t *testing.T) {
			c := shell(t, `main() { printf %s "$1" | cmp - /dev/fd/3 3<&0 || return; printf %s "$1"; }`)
			noTemp(t)
			a := start(t, c)
			for name, text := range texts {
				t.Run(name, func(t *testing.T) { succeeds(t, a, text, strings.TrimRight(text, "\n")) })
			}
		})
	}
}

// Without memory files, too, the start fails once, with the remedy.
func TestFunctionWithoutTempAndMemory(t *testing.T) {
	c := script(t, evaluate)
	dir := noTemp(t)
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		denying(t, unix.SYS_MEMFD_CREATE, errno, func() {
			before := len(descriptors())
			defer func() {
				if after := len(descriptors()); after != before {
					t.Errorf("descriptors: got %d, want %d", after, before)
				}
			}()
			wantStart(t, c, "Runtime.TempError", "cannot make a temporary file: open "+dir, "make the temp folder "+dir+" writable (on Kubernetes, mount an emptyDir there), or set TMPDIR")
		})
	}
}

// wantStart checks that the start fails, with all of these words.
func wantStart(t *testing.T, c Config, kind string, words ...string) {
	t.Helper()
	err := New(c).Start(t.Context())
	for _, word := range words {
		if err == nil || !strings.HasPrefix(err.Error(), kind+": ") || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %s: …%s…", err, kind, word)
		}
	}
}

// An option that needs the temp folder fails the start, not each event.
func TestOptionsWithoutTemp(t *testing.T) {
	for option, change := range map[string]func(*Config){
		"BOOTSTRAP_DELIVERY=file":    func(c *Config) { c.Delivery = File },
		"BOOTSTRAP_TMPDIR_PER_EVENT": func(c *Config) { c.TempPerEvent = true },
	} {
		t.Run(option, func(t *testing.T) {
			c := config(t, files{"tool": "#!/bin/sh\n"})
			c.Handler = "tool"
			change(&c)
			start(t, c)
			dir := noTemp(t)
			wantStart(t, c, "Runtime.TempError", "cannot use "+option+": open "+dir, "make the temp folder "+dir+" writable (on Kubernetes, mount an emptyDir there), or set TMPDIR")
		})
	}
}

// A folder that is full is no reason not to start.
func TestTempFullAtStart(t *testing.T) {
	if !sandboxed(t, `dir=$(mktemp -d) && mount -t tmpfs -o nr_inodes=1 none "$dir" && export TEST_FULL="$dir"`) {
		return
	}
	c := config(t, files{"tool": "#!/bin/sh\n"})
	c.Handler, c.Delivery = "tool", File
	t.Setenv("TMPDIR", os.Getenv("TEST_FULL"))
	a := start(t, c)
	fails(t, a, "x", "Runtime.TempError", "is full: remove what events leave there")
}
