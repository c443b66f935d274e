package adapters

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bootstrap/adapters/temp"
	"bootstrap/internal/effort"
	"bootstrap/internal/leaktest"
	"bootstrap/internal/sandboxtest"
	"bootstrap/internal/seccomp"
	"bootstrap/supervisor"

	"golang.org/x/sys/unix"
)

// runFolders returns the folders of runs in the temp folder.
func runFolders(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), temp.Prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// leftInTemp returns the paths in the temp folder, without the folder of a run.
func leftInTemp(t *testing.T) (paths []string) {
	t.Helper()
	for _, name := range names(t, os.TempDir()) {
		if !strings.HasPrefix(name, temp.Prefix) {
			paths = append(paths, name)
		}
	}
	for _, run := range runFolders(t) {
		paths = append(paths, names(t, run)...)
	}
	return paths
}

// entries returns the paths in the run folder, which must be alone in the temp
// folder.
func entries(t *testing.T) (paths []string) {
	t.Helper()
	folders := runFolders(t)
	if len(folders) != 1 || len(names(t, os.TempDir())) != 1 {
		t.Fatalf("got %q in the temp folder, want one folder of a run", names(t, os.TempDir()))
	}
	for _, name := range names(t, folders[0]) {
		paths = append(paths, filepath.Join(folders[0], name))
	}
	return paths
}

// Each event has its own folder, which is removed with all contents before the
// next event.
func TestTempPerEvent(t *testing.T) {
	for name, change := range map[string]func(c *setup){
		"program": func(*setup) {},
		"standby": func(c *setup) { c.Standby = true },
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
				if failure != nil || seen[dir] || filepath.Dir(filepath.Dir(dir)) != os.TempDir() {
					t.Errorf("got %s, %v", dir, failure)
				}
				seen[dir] = true
				if names := entries(t); len(names) != 1 {
					t.Errorf("after an event: got %q, want its folder", names)
				}
			}
			a.(supervisor.Preparer).Prepare()
			if paths := entries(t); len(paths) != 1 || seen[paths[0]] {
				t.Errorf("before the next one: got %q, want a new folder", paths)
			}
		})
	}
}

// If an event removes the whole temp folder, the next event has a folder again.
func TestTempFolderRemoved(t *testing.T) {
	for name, deliver := range map[string]func(c *setup){
		"folder": func(c *setup) { c.TempPerEvent = true },
		"file":   func(c *setup) { c.Delivery = File },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, nil)
			c.Command = `rm -rf "${TMPDIR%/bootstrap-run-*}"/bootstrap-run-*; echo ok`
			deliver(&c)
			a := start(t, c)
			for range 3 {
				a.(supervisor.Preparer).Prepare()
				succeeds(t, a, "x", "ok\n")
			}
		})
	}
}

// If no folder can be made, the event fails with the reason, and the next event
// is served.
func TestTempCannotBeMade(t *testing.T) {
	c := config(t, files{"tool": "#!/bin/sh\nprintf ok"})
	c.Handler, c.TempPerEvent = "tool", true
	a := start(t, c)
	temp := os.Getenv("TMPDIR")
	t.Setenv("TMPDIR", filepath.Join(temp, "none"))
	removeRuns(t, temp)
	a.(supervisor.Preparer).Prepare()
	fails(t, a, "", "Runtime.TempError", "cannot make an event's temporary folder: ")
	t.Setenv("TMPDIR", temp)
	succeeds(t, a, "", "ok")
}

// removeRuns removes the folders of runs, as an event may do.
func removeRuns(t *testing.T, temp string) {
	t.Helper()
	for _, folder := range names(t, temp) {
		if err := os.RemoveAll(filepath.Join(temp, folder)); err != nil {
			t.Fatal(err)
		}
	}
}

// noTemp sets a temp folder in which nothing can be made.
func noTemp(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(os.TempDir(), "none")
	t.Setenv("TMPDIR", dir)
	return dir
}

// A function in a shell needs no temp folder: it gets each event unchanged,
// also after a longer one.
func TestFunctionWithoutTemp(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c := d.script(t, `main() { printf %s "$1" | cmp - /dev/fd/3 3<&0 || return; printf %s "$1"; }`)
		noTemp(t)
		a := start(t, c)
		for i, name := range sorted(texts) {
			text := texts[name]
			if d.drops(text) || !effort.HasTurn(i+d.number(), 3) && !oldBash.drops(text) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				succeeds(t, a, text, strings.TrimRight(text, "\n"))
			})
		}
	})
}

// If there are no memory files either, the start fails once, and the message
// names the remedy.
func TestFunctionWithoutTempAndMemory(t *testing.T) {
	c := script(t, evaluate)
	dir := noTemp(t)
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		seccomp.Denying(t, unix.SYS_MEMFD_CREATE, errno, func() {
			before := len(leaktest.OpenFiles(t))
			defer func() {
				if after := len(leaktest.OpenFiles(t)); after != before {
					t.Errorf("descriptors: got %d, want %d", after, before)
				}
			}()
			wantStart(t, c, "Runtime.TempError", "cannot make a temporary file: open "+dir, "make the temp folder "+dir+" writable (on Kubernetes, mount an emptyDir there), or set TMPDIR")
		})
	}
}

// wantStart checks that the start fails with a message that contains these
// texts.
func wantStart(t *testing.T, c setup, kind string, words ...string) {
	t.Helper()
	err := c.adapter().Start(t.Context())
	for _, word := range words {
		if err == nil || !strings.HasPrefix(err.Error(), kind+": ") || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %s: …%s…", err, kind, word)
		}
	}
}

// An option that needs the temp folder fails the start, not every event.
func TestOptionsWithoutTemp(t *testing.T) {
	for option, change := range map[string]func(*setup){
		"BOOTSTRAP_DELIVERY=file":    func(c *setup) { c.Delivery = File },
		"BOOTSTRAP_TMPDIR_PER_EVENT": func(c *setup) { c.TempPerEvent = true },
	} {
		t.Run(option, func(t *testing.T) {
			c := config(t, files{"tool": "#!/bin/sh\n"})
			c.Handler = "tool"
			change(&c)
			start(t, c)
			dir := noTemp(t)
			wantStart(t, c, "Runtime.TempError", "cannot use "+option+": stat "+dir, "make the temp folder "+dir+" writable (on Kubernetes, mount an emptyDir there), or set TMPDIR")
		})
	}
}

// A full folder does not prevent a start.
func TestTempFullAtStart(t *testing.T) {
	if !sandboxtest.Run(t, `dir=$(mktemp -d) && mount -t tmpfs -o nr_inodes=1 none "$dir" && export TEST_FULL="$dir"`) {
		return
	}
	c := config(t, files{"tool": "#!/bin/sh\n"})
	c.Handler, c.Delivery = "tool", File
	t.Setenv("TMPDIR", os.Getenv("TEST_FULL"))
	a := start(t, c)
	fails(t, a, "x", "Runtime.TempError", "is full: delete the files of earlier events")
}

// Slots share a folder, which the last of them removes.
func TestRunFolderShared(t *testing.T) {
	c := config(t, nil)
	c.Command, c.TempPerEvent, c.Temp, c.Init = "true", true, &temp.Folder{}, &Init{}
	one, two := c.adapter(), start(t, c)
	if err := one.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	succeeds(t, one, "", "")
	succeeds(t, two, "", "")
	if paths := entries(t); len(paths) != 2 {
		t.Errorf("got %q, want two folders of events", paths)
	}
	if err := one.Close(patience); err != nil {
		t.Error(err)
	}
	if paths := entries(t); len(paths) != 1 {
		t.Errorf("got %q, want one folder of an event", paths)
	}
}
