package temp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

// inFolder opens a new folder in which shell code has made a tree.
func inFolder(t *testing.T, code string) *os.File {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-ec", code)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = file.Close()                                    // only read
		_ = exec.Command("chmod", "-R", "u+rwx", dir).Run() // else it cannot be removed
	})
	return file
}

// equal checks the names in a folder.
func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Everything that an event may make can be removed, and nothing else is
// removed.
func TestRemoveAll(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("NOT TESTED as another user than root")
	}
	for name, code := range map[string]string{
		"nothing":           "true",
		"a file":            "date >x",
		"a link":            "ln -s outside x",
		"links":             "mkdir -p x/a; ln -s ../../outside x/a/link; ln -s ../outside x/link",
		"read-only folders": "mkdir -p x/a/b/c; date >x/a/b/c/file; chmod 0 x/a/b/c; chmod 555 x/a/b x/a; chmod 0 x",
		"taken names":       "mkdir -p x/moved-2/a/b x/a/b/moved-1/c x/a/b/d/e; date >x/moved-1; date >x/moved-3",
		"odd names":         `mkdir -p "x/$(printf 'new\nline')/-rf/ /a"; date >"x/$(printf '\377')"`,
		"a wide tree":       "for i in 1 2 3 4 5 6 7 8 9; do mkdir -p x/$i/a/b x/$i/c/d; date >x/$i/a/b/file; done",
	} {
		t.Run(name, func(t *testing.T) {
			dir := inFolder(t, "mkdir outside; date >outside/file; chmod 500 outside; "+code)
			if err := removeAll(dir, "x"); err != nil {
				t.Error(err)
			}
			equal(t, names(t, dir.Name()), []string{"outside"})
			equal(t, names(t, filepath.Join(dir.Name(), "outside")), []string{"file"})
			if info, err := os.Stat(filepath.Join(dir.Name(), "outside")); err != nil || info.Mode().Perm() != 0o500 {
				t.Errorf("outside: got %v, %v, want mode 0500", info.Mode(), err)
			}
		})
	}
}

// A tree may be deeper than the limit of descriptors, and its paths longer than
// the kernel accepts.
func TestRemoveAllDeep(t *testing.T) {
	if os.Getenv("TEST_DEEP") == "" {
		cmd := exec.Command("sh", "-c", `ulimit -n 40 && exec "$@"`, "sh", os.Args[0], "-test.v", "-test.run", "^TestRemoveAllDeep$")
		cmd.Env = append(os.Environ(), "TEST_DEEP=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestRemoveAllDeep") {
			t.Errorf("with few descriptors: %v\n%s", err, out)
		}
		return
	}
	dir := inFolder(t, "mkdir x")
	makeDeep(t, filepath.Join(dir.Name(), "x"))
	if err := removeAll(dir, "x"); err != nil {
		t.Error(err)
	}
	equal(t, names(t, dir.Name()), nil)
}

// makeDeep makes a hundred nested folders, each with a file and another folder
// in it.
func makeDeep(t *testing.T, top string) {
	t.Helper()
	fd, err := unix.Open(top, unix.O_DIRECTORY, 0)
	name := strings.Repeat("x", 100)
	for range 100 {
		var file, next int
		if err == nil {
			file, err = unix.Openat(fd, "file", unix.O_CREAT, 0o600)
		}
		if err = errors.Join(err, unix.Mkdirat(fd, name, 0o700), unix.Mkdirat(fd, "side", 0o700)); err == nil {
			next, err = unix.Openat(fd, name, unix.O_DIRECTORY, 0)
		}
		_, _ = unix.Close(file), unix.Close(fd) // only read
		fd = next
	}
	if err = errors.Join(err, unix.Close(fd)); err != nil {
		t.Fatal(err)
	}
}

// If a folder is replaced by a link during the removal, nothing behind the link
// changes.
func TestRemoveAllSwapped(t *testing.T) {
	dir := inFolder(t, "mkdir outside; date >outside/file; chmod 500 outside")
	fd := int(dir.Fd())
	if err := unix.Symlinkat("../outside", fd, "link"); err != nil {
		t.Fatal(err)
	}
	done, stop := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(fd, "link", fd, "x/a", unix.RENAME_EXCHANGE) // it may be gone
			}
		}
	}()
	for n := range 100 {
		next := filepath.Join(dir.Name(), fmt.Sprint(n))
		for _, path := range []string{next, next + "/a", next + "/a/b"} {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		_ = os.Rename(next, filepath.Join(dir.Name(), "x")) // the last one may be left
		_ = removeAll(dir, "x")                             // another process may interfere
	}
	close(stop)
	<-done
	equal(t, names(t, filepath.Join(dir.Name(), "outside")), []string{"file"})
	if info, err := os.Stat(filepath.Join(dir.Name(), "outside")); err != nil || info.Mode().Perm() != 0o500 {
		t.Errorf("outside: got %v, %v, want mode 0500", info, err)
	}
}

// An entry that cannot be removed is reported.
func TestRemoveAllFails(t *testing.T) {
	dir := inFolder(t, "mkdir -p x/a; date >x/a/file")
	seccomp.Denying(t, unix.SYS_UNLINKAT, unix.EACCES, func() {
		if err := removeAll(dir, "x"); err == nil || err.Error() != "cannot remove the folder x: permission denied" {
			t.Errorf("got %v", err)
		}
	})
}

// names lists the names in a folder, sorted.
func names(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}
