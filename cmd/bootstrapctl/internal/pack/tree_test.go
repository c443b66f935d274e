package pack

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// folderOf makes a folder with files of these names.
func folderOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLinkedFolder reads a folder through a link.
func TestLinkedFolder(t *testing.T) {
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(folderOf(t, "a", "b/c", "out.zip"), link); err != nil {
		t.Fatal(err)
	}
	tree, err := ReadFolder(link, filepath.Join(link, "out.zip"))
	if err != nil || len(tree.Files) != 2 || tree.File("a") == nil || tree.File("b/c") == nil {
		t.Errorf("got %v, %v, want a and b/c", tree.Files, err)
	}
}

// TestIgnore checks the syntax of .gitignore.
func TestIgnore(t *testing.T) {
	for _, test := range []struct {
		patterns   string
		files, out []string
	}{
		{"", []string{"a", "b/c"}, nil},
		{"# a\n\na\n", []string{"b"}, []string{"a", "x/a"}},
		{"/a\n", []string{"b/a"}, []string{"a"}},
		{"a/\n", []string{"b"}, []string{"a/x", "b2/a/y"}},
		{"*.log\n!keep.log\n", []string{"keep.log"}, []string{"x.log", "d/y.log"}},
		{"d\n!d/x\n", nil, []string{"d/x"}}, // a file in a folder that is left out cannot be included again
		{"a/b\n", []string{"x/a/b"}, []string{"a/b"}},
		{"a/**/b\n", []string{"a/c"}, []string{"a/b", "a/x/y/b"}},
		{"[!a].txt\n", []string{"a.txt"}, []string{"b.txt"}},
		{"\ufeffa\r\n", []string{"b"}, []string{"a"}},
		{"!.git\n!.bootstrapignore\n", nil, []string{".git/config"}},
	} {
		dir := folderOf(t, slices.Concat(test.files, test.out)...)
		if err := os.WriteFile(filepath.Join(dir, IgnoreFile), []byte(test.patterns), 0o644); err != nil {
			t.Fatal(err)
		}
		tree, err := ReadFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range tree.Files {
			got = append(got, f.Name)
		}
		if !slices.Equal(got, test.files) || tree.Left != len(test.out)+1 {
			t.Errorf("%q: got %q and %d left out, want %q and %d", test.patterns, got, tree.Left, test.files, len(test.out)+1)
		}
	}
}

// TestReadFolderNot reports that the folder does not exist.
func TestReadFolderNot(t *testing.T) {
	if _, err := ReadFolder(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("got no error")
	}
}

// TestWriteGone reports a file that was removed after it was found, and leaves no
// zip behind.
func TestWriteGone(t *testing.T) {
	dir := folderOf(t, "a", "b")
	tree, err := ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	_, err = tree.WriteFile(filepath.Join(out, "x.zip"), time.Now(), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot pack b: ") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want an empty folder", left, err)
	}
}

// A full writer takes no byte.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fs.ErrInvalid }

func TestWriteFull(t *testing.T) {
	tree, err := ReadFolder(folderOf(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Write(full{}, time.Now(), nil); err == nil {
		t.Error("got no error")
	}
}

// TestProgress counts every byte once.
func TestProgress(t *testing.T) {
	tree, err := ReadFolder(folderOf(t, "a", "bcd"))
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	if err := tree.Write(&bytes.Buffer{}, time.Now(), func(done int64) { last = done }); err != nil || last != tree.Size() {
		t.Errorf("got %d, %v, want %d", last, err, tree.Size())
	}
}

// TestAdd replaces a file.
func TestAdd(t *testing.T) {
	tree, err := ReadFolder(folderOf(t, "a", "c"))
	if err != nil {
		t.Fatal(err)
	}
	tree.Add("b", 0o755, []byte("new"))
	tree.Add("a", 0o755, []byte("other"))
	if len(tree.Files) != 3 || tree.Files[1].Name != "b" || tree.File("a").Size != 5 {
		t.Errorf("got %+v", tree.Files)
	}
}
