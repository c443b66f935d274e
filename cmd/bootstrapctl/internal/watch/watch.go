// Package watch notices when the code of a function changes.
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/pack"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a change waits for others: editors and compilers write a file in
// several steps.
const settle = 100 * time.Millisecond

// A Watcher watches the folder, or the zip, of a function.
type Watcher struct {
	watcher *fsnotify.Watcher
	root    string // the folder, or the zip
	isDir   bool
	ignored func(name string, isDir bool) bool
	// created reports whether a new file counts; nil: it does.
	created func(name string) bool
	foreign map[string]bool // new files that do not count, even when they change
	done    chan struct{}
}

// New watches a folder, without what .bootstrapignore leaves out, or a zip. It calls
// changed a moment after a change, with the name of a file in the folder that has
// changed, until Close. A new file counts only if isOurs returns true for it, which may
// be nil.
func New(path string, isOurs func(name string) bool, changed func(name string)) (*Watcher, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot watch the code: %w", err)
	}
	w := &Watcher{root: path, isDir: info.IsDir(), created: isOurs, foreign: map[string]bool{}, done: make(chan struct{})}
	if w.watcher, err = fsnotify.NewWatcher(); err != nil {
		return nil, explain(err)
	}
	if err := w.begin(); err != nil {
		w.watcher.Close()
		return nil, explain(err)
	}
	go w.run(changed) // ends in Close
	return w, nil
}

// explain adds what to do if the kernel's limit is reached.
func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("cannot watch the code: %w; raise fs.inotify.max_user_watches or fs.inotify.max_user_instances (sysctl), or name large folders in %s", err, pack.IgnoreFile)
	}
	return fmt.Errorf("cannot watch the code: %w", err)
}

func (w *Watcher) begin() (err error) {
	if !w.isDir {
		return w.watcher.Add(filepath.Dir(w.root)) // a zip is replaced, not changed
	}
	if w.ignored, err = pack.ReadIgnore(w.root); err != nil {
		return err
	}
	return w.add(w.root)
}

// add watches a folder and those in it.
func (w *Watcher) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == w.root:
			return err
		case err != nil || !entry.IsDir():
			return nil // it may be gone again
		case w.leavesOut(path, true):
			return filepath.SkipDir
		}
		return w.watcher.Add(path)
	})
}

// leavesOut reports whether a file does not belong to the package.
func (w *Watcher) leavesOut(path string, isDir bool) bool {
	name := w.name(path)
	return name != "." && w.ignored(name, isDir)
}

func (w *Watcher) name(path string) string {
	name, err := filepath.Rel(w.root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(name)
}

// run waits for changes, and reports the first of those that come together.
func (w *Watcher) run(changed func(name string)) {
	defer close(w.done)
	pending := ""
	var settled <-chan time.Time
	for {
		select {
		case event, ok := <-w.watcher.Events:
			if !ok {
				return
			}
			if !w.counts(event) {
				continue
			}
			if pending == "" {
				pending = w.name(event.Name)
			}
			settled = time.After(settle)
		case <-w.watcher.Errors: // events were lost: something has changed
			pending, settled = ".", time.After(settle)
		case <-settled:
			changed(pending)
			pending, settled = "", nil
		}
	}
}

// counts reports whether an event is a change of the code. It watches new folders.
func (w *Watcher) counts(event fsnotify.Event) bool {
	if !w.isDir {
		return event.Name == w.root && !event.Has(fsnotify.Chmod)
	}
	info, err := os.Lstat(event.Name)
	isDir := err == nil && info.IsDir()
	name := w.name(event.Name)
	if w.leavesOut(event.Name, isDir) || w.foreign[name] {
		return false
	}
	if event.Has(fsnotify.Create) && w.created != nil && !w.created(name) {
		w.foreign[name] = true
		return false
	}
	if event.Has(fsnotify.Create) && isDir {
		_ = w.add(event.Name) // without it, changes below are not noticed
	}
	return event.Op != fsnotify.Chmod || err == nil && !isDir
}

// Close ends the watch, and waits for a call of changed that runs.
func (w *Watcher) Close() {
	w.watcher.Close()
	<-w.done
}
