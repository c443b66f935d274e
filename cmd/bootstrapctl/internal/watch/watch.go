// Package watch notices when the code of a function changes.
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/pack"

	"github.com/fsnotify/fsnotify"
)

// settle is the time from a change until it is reported: editors and compilers
// write a file in several steps.
const settle = 100 * time.Millisecond

// A Watcher watches the folder or the zip of a function for changes.
type Watcher struct {
	watcher *fsnotify.Watcher
	root    string // the folder, or the zip
	isDir   bool
	ignored func(name string, isDir bool) bool
	reports Reports
	known   map[string]bool // the files of the code
	foreign map[string]bool // files that the function writes
	done    chan struct{}
}

// Reports are what a Watcher calls, from one goroutine.
type Reports struct {
	// Changed is called a moment after a change, with the name of a file in the folder
	// that has changed.
	Changed func(name string)
	// MayWrite reports whether the function may be writing files at present. If it may,
	// the Watcher assumes that the function wrote each new file, and each changed file
	// that is not code by its name. Nil: the function never writes.
	MayWrite func() bool
	// Skipped is called once for each file of the code that the Watcher assumes the
	// function has changed. It may be nil.
	Skipped func(name string)
}

// New watches a folder, without what .bootstrapignore leaves out, or a zip, until Close.
func New(path string, r Reports) (*Watcher, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot watch the code: %w", err)
	}
	if info.IsDir() { // WalkDir does not follow links
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, fmt.Errorf("cannot watch the code: %w", err)
		}
	}
	w := &Watcher{root: path, isDir: info.IsDir(), reports: r, known: map[string]bool{}, foreign: map[string]bool{}, done: make(chan struct{})}
	if w.watcher, err = fsnotify.NewWatcher(); err != nil {
		return nil, explain(err)
	}
	if err := w.begin(); err != nil {
		w.watcher.Close()
		return nil, explain(err)
	}
	go w.run() // ends in Close
	return w, nil
}

// explain adds the remedy to an error about the kernel's limit of watches.
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

// add watches a folder and those in it, and notes their files.
func (w *Watcher) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == w.root:
			return err
		case err != nil:
			return nil // it may be gone again
		case w.leavesOut(path, entry.IsDir()):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		w.known[w.name(path)] = true
		if !entry.IsDir() {
			return nil
		}
		return w.watcher.Add(path)
	})
}

// leavesOut reports whether pack leaves out a file.
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

// run waits for changes, and reports changes that come together only once.
func (w *Watcher) run() {
	defer close(w.done)
	var pending []string
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
			pending = append(pending, w.name(event.Name))
			settled = time.After(settle)
		case <-w.watcher.Errors: // events were lost: something has changed
			pending, settled = append(pending, "."), time.After(settle)
		case <-settled:
			w.reports.Changed(w.firstOf(pending))
			pending, settled = nil, nil
		}
	}
}

// firstOf returns the first of the names that still exists: an editor may have written
// another file and renamed it.
func (w *Watcher) firstOf(names []string) string {
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(w.root, name)); err == nil {
			return name
		}
	}
	return names[0]
}

// counts reports whether an event changes the code. It also begins to watch new
// folders.
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
	if w.isForeign(name, info) {
		w.foreign[name] = true
		return false
	}
	w.known[name] = true
	if event.Has(fsnotify.Create) && isDir {
		_ = w.add(event.Name) // after an error, changes in it are not noticed
	}
	return event.Op != fsnotify.Chmod || err == nil && !isDir
}

// isForeign reports whether a file that has changed is one that the function writes.
func (w *Watcher) isForeign(name string, info fs.FileInfo) bool {
	if w.reports.MayWrite == nil || !w.reports.MayWrite() {
		return false
	}
	if w.known[name] && !isCode(name, info) && w.reports.Skipped != nil {
		w.reports.Skipped(name)
	}
	return !w.known[name] || !isCode(name, info)
}

// notCode lists endings of files that functions write, such as databases and logs.
var notCode = []string{".csv", ".db", ".db-journal", ".db-shm", ".db-wal", ".jsonl", ".lock", ".log", ".out", ".pid", ".pyc", ".sock", ".sqlite", ".sqlite3", ".tmp", ".txt"}

// isCode reports whether a file is code by its name or its mode. Folders and files that
// are gone are as their names say.
func isCode(name string, info fs.FileInfo) bool {
	if info != nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return true
	}
	return !slices.Contains(notCode, strings.ToLower(filepath.Ext(name)))
}

// Close ends the watch, and waits for a report that runs.
func (w *Watcher) Close() {
	w.watcher.Close()
	<-w.done
}
