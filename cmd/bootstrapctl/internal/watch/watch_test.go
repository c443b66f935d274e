package watch

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// write writes a file as an editor does: it replaces it with a new one.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func watch(t *testing.T, path string, r Reports) chan string {
	t.Helper()
	changes := make(chan string, 100)
	r.Changed = func(name string) { changes <- name }
	w, err := New(path, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return changes
}

func expect(t *testing.T, changes chan string, want string) {
	t.Helper()
	select {
	case got := <-changes:
		if got != want {
			t.Errorf("got the change of %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no change of %q was noticed", want)
	}
}

// A folder can be a link, as "current" is in many deployments.
func TestLinkedFolder(t *testing.T) {
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "current")
	write(t, filepath.Join(dir, "lib", "code.sh"), "1")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	changes := watch(t, link, Reports{})
	write(t, filepath.Join(dir, "lib", "code.sh"), "2")
	expect(t, changes, "lib/code.sh")
}

// Changes of code are noticed, also in new folders. Changes of files outside
// the package are not: the next change of code is the first that is noticed.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.sh"), "1")
	write(t, filepath.Join(dir, ".bootstrapignore"), "*.log\nbuild/\n")
	write(t, filepath.Join(dir, "build", "a"), "1")
	changes := watch(t, dir, Reports{})
	write(t, filepath.Join(dir, "index.sh"), "2")
	expect(t, changes, "index.sh")
	write(t, filepath.Join(dir, "4913"), "3") // as vim does
	if err := os.Rename(filepath.Join(dir, "4913"), filepath.Join(dir, "index.sh")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "index.sh")
	write(t, filepath.Join(dir, "out.log"), "1")
	write(t, filepath.Join(dir, "build", "a"), "2")
	write(t, filepath.Join(dir, ".git", "HEAD"), "2")
	if err := os.Mkdir(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "lib")
	write(t, filepath.Join(dir, "lib", "code.sh"), "1")
	expect(t, changes, "lib/code.sh")
	if err := os.Chmod(filepath.Join(dir, "index.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "index.sh")
	if err := os.Rename(filepath.Join(dir, "lib", "code.sh"), filepath.Join(dir, "lib", "code2.sh")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "lib/code2.sh")
}

// New files that appear while the function may write are ignored, even if they
// change later, and so are logs. Code is noticed, also if an editor replaces
// the file.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.sh"), "1")
	write(t, filepath.Join(dir, "old.log"), "1")
	var writes atomic.Bool
	skipped := make(chan string, 100)
	writes.Store(true)
	changes := watch(t, dir, Reports{MayWrite: writes.Load, Skipped: func(name string) { skipped <- name }})
	write(t, filepath.Join(dir, "old.log"), "2")
	write(t, filepath.Join(dir, "cache", "x"), "1")
	write(t, filepath.Join(dir, "new.sh"), "2")
	if err := os.Rename(filepath.Join(dir, "new.sh"), filepath.Join(dir, "index.sh")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "index.sh")
	expect(t, skipped, "old.log")
	writes.Store(false)
	write(t, filepath.Join(dir, "cache", "x"), "2")
	write(t, filepath.Join(dir, "old.log"), "3")
	write(t, filepath.Join(dir, "data.csv"), "1")
	expect(t, changes, "data.csv")
	if len(skipped) > 0 {
		t.Errorf("got %q again", <-skipped)
	}
}

// A zip that is replaced is noticed. Other files beside it are not.
func TestZip(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.zip")
	write(t, file, "1")
	changes := watch(t, file, Reports{})
	write(t, filepath.Join(dir, "b.zip"), "1")
	write(t, filepath.Join(dir, "new"), "2")
	if err := os.Rename(filepath.Join(dir, "new"), file); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, ".")
}

func TestMissing(t *testing.T) {
	if _, err := New(filepath.Join(t.TempDir(), "none"), Reports{}); err == nil || !strings.Contains(err.Error(), "cannot watch the code") {
		t.Errorf("got %v", err)
	}
}
