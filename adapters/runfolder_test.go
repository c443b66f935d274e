package adapters

import (
	"os"
	"path/filepath"
	"testing"
)

// Only a folder of a run that nobody has locked, and that is our user's, is
// stale.
func TestStaleRuns(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	outside := t.TempDir()
	for _, folder := range []string{filepath.Join(outside, "a"), runPrefix + "1/1/a", runPrefix + "2/1", runPrefix + "notes", "bootstrap-event-5"} {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(temp, folder)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(temp, runPrefix+"3")); err != nil {
		t.Fatal(err)
	}
	want := []string{"bootstrap-event-5", runPrefix + "2", runPrefix + "3", runPrefix + "notes"}
	if os.Geteuid() == 0 {
		want = []string{"bootstrap-event-5", runPrefix + "2", runPrefix + "3", runPrefix + "4", runPrefix + "notes"}
		if err := os.Mkdir(filepath.Join(temp, runPrefix+"4"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(temp, runPrefix+"4"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	inUse, err := openRun(filepath.Join(temp, runPrefix+"2"))
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	if err := lock(inUse); err != nil {
		t.Fatal(err)
	}
	removeStale()
	equal(t, names(t, temp), want)
	equal(t, names(t, outside), []string{"a"})
}

// A run keeps its folder from all others, from the first moment on.
func TestRunFolderKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	done := make(chan bool)
	go func() {
		defer close(done)
		for range 200 {
			removeStale()
		}
	}()
	for range 200 {
		r := &RunFolder{}
		folder, err := r.makeFolder()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("a folder in use was removed: %v", err)
		}
		if err := r.remove(folder); err != nil {
			t.Error(err)
		}
		r.close()
	}
	<-done
	if left := runFolders(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// Slots share a folder, which goes with the last of them.
func TestRunFolderShared(t *testing.T) {
	c := config(t, nil)
	c.Command, c.TempPerEvent, c.Temp, c.Init = "true", true, &RunFolder{}, &Init{}
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
