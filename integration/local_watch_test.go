package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// save replaces a file as many editors do: it renames a new file.
func save(t *testing.T, dir, name, text string) {
	t.Helper()
	write(t, dir, "."+name+".swp", text, 0o644)
	if err := os.Rename(filepath.Join(dir, "."+name+".swp"), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

const shellAnswer = "main_handler() { echo begun >&2; while [ \"$1\" = '\"held\"' ] && ! [ -e go ]; do sleep 0.01; done; echo VERSION; }\n"

// After a file is saved, the next event runs the new code. A running event
// finishes with the old code.
func TestLocalWatch(t *testing.T) {
	for name, saveFile := range map[string]func(t *testing.T, dir, name, text string){
		"written": func(t *testing.T, dir, name, text string) { write(t, dir, name, text, 0o644) },
		"renamed": save,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			saveFile(t, dir, "index.sh", strings.Replace(shellAnswer, "VERSION", "one", 1))
			s := serve(t, "-watch", "-timeout", "60s", dir)
			s.answers(t, "", "1", 200, "one")
			held := make(chan struct{})
			go func() { // ends with the event
				defer close(held)
				s.answers(t, "", `"held"`, 200, "one")
			}()
			until(t, "the event has begun", func() bool { return strings.Count(s.log.String(), "| begun") == 2 })
			saveFile(t, dir, "index.sh", strings.Replace(shellAnswer, "VERSION", "two", 1))
			s.logs(t, "index.sh has changed")
			s.answers(t, "", "1", 200, "two")
			write(t, dir, "go", "", 0o644)
			<-held
			s.answers(t, "", "1", 200, "two")
			saveFile(t, dir, "index.sh", strings.Replace(shellAnswer, "VERSION", "three", 1))
			until(t, "it has changed twice", func() bool { return strings.Count(s.log.String(), "index.sh has changed") == 2 })
			s.answers(t, "", "1", 200, "three")
		})
	}
}

// A zip that is packed again is picked up.
func TestLocalWatchZip(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, "echo one")
	file := zipOf(t, dir)
	s := serve(t, "-watch", file)
	s.answers(t, "", "1", 200, "one")
	write(t, dir, "index.sh", "main_handler() { echo two; }\n", 0o644)
	if _, stderr, status := ctl(t, nil, "pack", "-o", file, dir); status != 0 {
		t.Fatal(stderr)
	}
	s.logs(t, "has changed")
	s.answers(t, "", "1", 200, "two")
}

// Files that the function writes into its own folder restart nothing: new
// files, existing files, and files after its event. Nor do files that
// .bootstrapignore lists. The next change of code is the first that counts. If
// code folders are read-only, the function cannot write there.
func TestLocalWatchOwnFiles(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, `date >>old.log; date >new.$RANDOM; mkdir -p cache/deep; date >cache/deep/x; (sleep 0.1; date >later) >/dev/null 2>&1 & echo $(cat old.log | wc -l)`)
	write(t, dir, "old.log", "", 0o644)
	write(t, dir, "bootstrap.env", "BOOTSTRAP_LEFTOVERS=keep\n", 0o644)
	write(t, dir, ".bootstrapignore", "*.tmp\nnode_modules/\n", 0o644)
	s := serveWritable(t, "-watch", dir)
	for range 5 {
		s.post(t, "", "1")
		write(t, dir, "x.tmp", "", 0o644)
		_ = os.Remove(filepath.Join(dir, "later"))
	}
	save(t, dir, "index.sh", "main_handler() { echo two; }\n")
	s.logs(t, "index.sh has changed")
	s.answers(t, "", "1", 200, "two")
	if n := strings.Count(s.log.String(), "the next event starts a new instance"); n != 1 {
		t.Errorf("got %d changes, want that of index.sh:\n%s", n, s.log)
	}
	s.logs(t, "old.log changed during an event")
}
