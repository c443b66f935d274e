package pack

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An entry of a zip that a test makes.
type entry struct {
	name string
	mode fs.FileMode
	text string
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode)
		out, err := w.CreateHeader(header)
		if err == nil {
			_, err = out.Write([]byte(e.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// unzip unpacks into a folder, and checks that nothing appears beside it.
func unzip(t testing.TB, content []byte) (*Tree, error) {
	t.Helper()
	around := t.TempDir()
	file, dir := filepath.Join(around, "x.zip"), filepath.Join(around, "dir")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	tree, err := ReadZip(file, dir)
	list, listed := os.ReadDir(around)
	if listed != nil || len(list) != 2 {
		t.Errorf("got %v, %v around the folder, want only the zip and the folder", list, listed)
	}
	return tree, err
}

func kinds(tree *Tree) (all []string) {
	for _, p := range tree.Problems {
		all = append(all, p.Kind+" "+p.Name)
	}
	return all
}

// TestReadZipProblems unpacks safe entries, and reports the others.
func TestReadZipProblems(t *testing.T) {
	link := fs.ModeSymlink | 0o777
	for _, test := range []struct {
		name    string
		entries []entry
		files   []string
		want    []string
	}{
		{"parent", []entry{{"../x", 0o644, ""}, {"a/../../x", 0o644, ""}, {"ok", 0o644, ""}}, []string{"ok"}, []string{"unsafe-name ../x", "unsafe-name a/../../x"}},
		{"absolute", []entry{{"/etc/x", 0o644, ""}}, nil, []string{"unsafe-name /etc/x"}},
		{"twice", []entry{{"x", 0o644, "1"}, {"x", 0o644, "2"}}, []string{"x"}, []string{"duplicate-name x"}},
		{"through a link", []entry{{"l", link, ".."}, {"l/x", 0o644, ""}}, []string{"l/x"}, []string{"link-outside l"}},
		{"absolute link", []entry{{"l", link, "/etc/passwd"}}, nil, []string{"link-outside l"}},
		{"link through links", []entry{{"a/up", link, ".."}, {"b", link, "a/up/../x"}}, []string{"a/up"}, []string{"link-outside b"}},
		{"link within", []entry{{"a/x", 0o644, ""}, {"b", link, "a/x"}}, []string{"a/x", "b"}, nil},
		{"file and folder", []entry{{"x", 0o644, ""}, {"x/y", 0o644, ""}}, []string{"x"}, []string{"zip-broken x/y"}},
		{"device", []entry{{"x", fs.ModeDevice | 0o644, ""}}, nil, []string{"special-file x"}},
		{"backslashes", []entry{{`a\x`, 0o644, ""}}, nil, []string{`backslash-name a\x`}},
		{"folders", []entry{{"a/", fs.ModeDir | 0o755, ""}, {"a/x", 0o644, ""}}, []string{"a/x"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree, err := unzip(t, zipOf(t, test.entries...))
			if err != nil {
				t.Fatal(err)
			}
			var files []string
			for _, f := range tree.Files {
				files = append(files, f.Name)
			}
			if got := kinds(tree); !slices.Equal(files, test.files) || !slices.Equal(got, test.want) {
				t.Errorf("got %q with %q, want %q with %q", files, got, test.files, test.want)
			}
		})
	}
}

// TestReadZipBomb stops at the limits, before the disk is full.
func TestReadZipBomb(t *testing.T) {
	tree := &Tree{Dir: t.TempDir()}
	root, err := os.OpenRoot(tree.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	content := zipOf(t, entry{"bomb", 0o644, strings.Repeat("0", 1<<20)})
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	left := int64(1000)
	err = tree.unpackEntry(archive.File[0], root, map[string]bool{}, &left)
	if err == nil || !strings.Contains(err.Error(), "larger than any platform allows") {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(filepath.Join(tree.Dir, "bomb")); err != nil || info.Size() > 1001 {
		t.Errorf("got %v, %v, want at most 1001 bytes", info, err)
	}
}

// TestReadZipNot reports that a file is not a zip.
func TestReadZipNot(t *testing.T) {
	if _, err := unzip(t, []byte("hello")); err == nil || !strings.Contains(err.Error(), "not a valid zip file") {
		t.Errorf("got %v", err)
	}
}

// FuzzReadZip unpacks arbitrary data: no file is written outside of the folder or is
// larger than the zip says, and every file can be opened.
func FuzzReadZip(f *testing.F) {
	link := fs.ModeSymlink | 0o777
	for _, entries := range [][]entry{
		{{"index.sh", 0o644, "x"}, {"bin/tool", 0o755, "#!/bin/sh\n"}},
		{{"../x", 0o644, ""}, {"/x", 0o644, ""}, {`a\x`, 0o644, ""}},
		{{"l", link, ".."}, {"l/x", 0o644, "y"}, {"m", link, "l/../../x"}},
		{{"x", 0o644, "1"}, {"x", 0o644, "2"}, {"X", 0o644, "3"}},
		{{"zeros", 0o644, strings.Repeat("\x00", 1<<16)}},
	} {
		f.Add(zipOf(f, entries...))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<20 {
			return
		}
		tree, err := unzip(t, content)
		if err != nil {
			return
		}
		for _, file := range tree.Files {
			if !fs.ValidPath(file.Name) {
				t.Errorf("got the name %q", file.Name)
			}
			if file.Mode.IsRegular() {
				if _, err := file.Head(10); err != nil {
					t.Errorf("%s: %v", file.Name, err)
				}
			}
		}
	})
}

// Links that stay inside one by one may leave together, whatever their order is.
func TestLinksTogether(t *testing.T) {
	short := entry{"p/q/d", fs.ModeSymlink | 0o777, "../../r"}
	out := entry{"p/q/s", fs.ModeSymlink | 0o777, "d/../../dir2"}
	file := entry{"r/f", 0o600, ""}
	for _, entries := range [][]entry{{file, short, out}, {file, out, short}} {
		tree, err := unzip(t, zipOf(t, entries...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(tree.Dir, "p/q/s")); err == nil || !tree.HasProblem("p/q/s") || tree.HasProblem("p/q/d") {
			t.Errorf("%v: got %v, problems %v", entries, err, tree.Problems)
		}
	}
}

// Names can make many folders out of a few bytes.
func TestManyFolders(t *testing.T) {
	var many []entry
	for i := range 80 {
		many = append(many, entry{string(rune('A'+i)) + "/" + strings.Repeat("a/", 1500) + "f", 0o600, ""})
	}
	if _, err := unzip(t, zipOf(t, many...)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d names: got %v", len(many), err)
	}
	long := strings.Repeat("a/", 20_000) + "f"
	tree, err := unzip(t, zipOf(t, entry{long, 0o600, ""}))
	if err != nil || !tree.HasProblem(long) || len(tree.Files) != 0 {
		t.Errorf("a long name: got %v", err)
	}
}
