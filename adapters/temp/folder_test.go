package temp

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A run folder is stale if it belongs to our user and nobody has locked it.
func TestStaleRuns(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	outside := t.TempDir()
	for _, folder := range []string{filepath.Join(outside, "a"), Prefix + "1/1/a", Prefix + "2/1", Prefix + "notes", "bootstrap-event-5"} {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(temp, folder)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(temp, Prefix+"3")); err != nil {
		t.Fatal(err)
	}
	want := []string{"bootstrap-event-5", Prefix + "2", Prefix + "3", Prefix + "notes"}
	if os.Geteuid() == 0 {
		want = []string{"bootstrap-event-5", Prefix + "2", Prefix + "3", Prefix + "4", Prefix + "notes"}
		if err := os.Mkdir(filepath.Join(temp, Prefix+"4"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(temp, Prefix+"4"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	inUse, err := openRun(filepath.Join(temp, Prefix+"2"))
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	if err := lock(inUse); err != nil {
		t.Fatal(err)
	}
	RemoveStale()
	equal(t, names(t, temp), want)
	equal(t, names(t, outside), []string{"a"})
}

// A run locks its folder from the beginning.
func TestFolderKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	done := make(chan bool)
	go func() {
		defer close(done)
		for range 200 {
			RemoveStale()
		}
	}()
	for range 200 {
		r := &Folder{}
		folder, err := r.MakeFolder()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("a folder in use was removed: %v", err)
		}
		if err := r.Remove(folder); err != nil {
			t.Error(err)
		}
		r.Close()
	}
	<-done
	if left := names(t, os.TempDir()); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// Slots may use the folder while an event of another slot removes it.
func TestFolderRemovedMeanwhile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := &Folder{}
	defer r.Close()
	var slots sync.WaitGroup
	for range 4 {
		slots.Go(func() {
			for range 100 {
				folder, err := r.MakeFolder()
				if err != nil {
					t.Error(err)
					return
				}
				_ = os.RemoveAll(filepath.Dir(folder)) // fails where another slot makes a folder
				if err := r.Remove(folder); err != nil {
					t.Error(err)
				}
			}
		})
	}
	slots.Wait()
}
