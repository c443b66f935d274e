package integration

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A packageDir is the folder of a function that a test makes.
type packageDir struct {
	t testing.TB
	string
}

// put writes a file, and its folder.
func (d packageDir) put(name, text string, mode fs.FileMode) {
	d.t.Helper()
	file := filepath.Join(d.string, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask
		d.t.Fatal(err)
	}
}

// link makes a symbolic link.
func (d packageDir) link(name, target string) {
	d.t.Helper()
	if err := os.Symlink(target, filepath.Join(d.string, name)); err != nil {
		d.t.Fatal(err)
	}
}

// sparse makes a file of that size that takes no space.
func (d packageDir) sparse(name string, size int64) {
	d.t.Helper()
	d.put(name, "", 0o644)
	if err := os.Truncate(filepath.Join(d.string, name), size); err != nil {
		d.t.Fatal(err)
	}
}

// runtime copies the runtime.
func (d packageDir) runtime(name string, mode fs.FileMode) {
	d.t.Helper()
	program, err := os.ReadFile(bootstrap)
	if err != nil {
		d.t.Fatal(err)
	}
	d.put(name, string(program), mode)
}

// zipped packs the folder as a simple tool would, with the modes of the files.
// change may modify an entry.
func (d packageDir) zipped(change func(*zip.FileHeader)) (file string) {
	d.t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	err := filepath.WalkDir(d.string, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return addEntry(w, d.string, file, entry, change)
	})
	if err == nil {
		err = w.Close()
	}
	file = filepath.Join(d.t.TempDir(), "function.zip")
	if err == nil {
		err = os.WriteFile(file, buf.Bytes(), 0o644)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return file
}

func addEntry(w *zip.Writer, dir, file string, entry fs.DirEntry, change func(*zip.FileHeader)) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: strings.TrimPrefix(file, dir+"/"), Method: zip.Store}
	header.SetMode(info.Mode())
	if change != nil {
		change(header)
	}
	out, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if entry.Type()&fs.ModeSymlink != 0 {
		var target string
		target, err = os.Readlink(file)
		content = []byte(target)
	}
	if err == nil {
		_, err = out.Write(content)
	}
	return err
}
