package pack

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Tree is the content of a package.
type Tree struct {
	Dir      string // the folder of the files on this machine
	Zip      string // the zip that they come from; empty for a folder
	Packed   int64  // bytes of that zip
	Files    []*File
	Problems []Problem // entries that cannot be packed or unpacked
	Left     int       // how many files are left out, as .git or by .bootstrapignore
}

// A Problem is an entry that cannot be in a package. Kind is the identifier of
// a finding.
type Problem struct{ Kind, Name, Detail string }

func (t *Tree) problem(kind, name, detail string) {
	t.Problems = append(t.Problems, Problem{kind, name, detail})
}

// File returns the file of that name, or nil.
func (t *Tree) File(name string) *File {
	for _, f := range t.Files {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Size returns the size of all files.
func (t *Tree) Size() (total int64) {
	for _, f := range t.Files {
		total += f.Size
	}
	return total
}

func (t *Tree) sort() {
	slices.SortFunc(t.Files, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
}

// ReadFolder returns the files of a folder that belong into its zip. Their modes do
// not depend on the file system: programs and scripts are executable, and everyone
// may read. The outputs, zips that are about to be written, are left out.
func ReadFolder(dir string, outputs ...string) (*Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	t := &Tree{Dir: dir}
	ignored, err := ReadIgnore(dir)
	if err != nil {
		return nil, err
	}
	for i := range outputs {
		if outputs[i], err = filepath.Abs(outputs[i]); err != nil {
			return nil, err
		}
	}
	top := dir + string(filepath.Separator) // so that WalkDir follows a link
	err = filepath.WalkDir(top, func(file string, entry fs.DirEntry, err error) error {
		switch name := slashed(dir, file); {
		case name == ".":
			return err
		case slices.Contains(outputs, file):
			return nil
		case ignored(name, entry != nil && entry.IsDir()):
			return t.leaveOut(file, entry)
		case err != nil:
			t.problem("unreadable-here", name, reason(err))
			return nil
		default:
			return t.add(name, file, entry)
		}
	})
	t.sort()
	return t, err
}

func slashed(dir, file string) string {
	name, err := filepath.Rel(dir, file)
	if err != nil {
		return filepath.ToSlash(file) // it is below dir, so this cannot be
	}
	return filepath.ToSlash(name)
}

// reason returns the text of an error without its path, which is shown beside it.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// leaveOut counts an ignored file, or the files of an ignored folder.
func (t *Tree) leaveOut(file string, entry fs.DirEntry) error {
	if !entry.IsDir() {
		t.Left++
		return nil
	}
	_ = filepath.WalkDir(file, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Left++
		}
		return nil // a folder that cannot be read is left out, too
	})
	return fs.SkipDir
}

func (t *Tree) add(name, file string, entry fs.DirEntry) error {
	switch {
	case entry.IsDir():
		return nil
	case entry.Type()&fs.ModeSymlink != 0:
		t.addLink(name, file)
		return nil
	case !entry.Type().IsRegular():
		t.problem("special-file", name, "")
		return nil
	}
	f := &File{Name: name, Mode: 0o644, path: file}
	head, err := f.Head(5)
	if err != nil {
		t.problem("unreadable-here", name, reason(err))
		return nil
	}
	if info, err := entry.Info(); err == nil {
		f.Size = info.Size()
	}
	if runs(head) || name == "bootstrap" {
		f.Mode = 0o755
	}
	t.Files = append(t.Files, f)
	return nil
}

// addLink adds a link if its target is within the folder.
func (t *Tree) addLink(name, file string) {
	target, err := os.Readlink(file)
	if err != nil {
		t.problem("unreadable-here", name, reason(err))
		return
	}
	target = filepath.ToSlash(target)
	if staysInside(name, target) && t.leadsInside(file) {
		t.Files = append(t.Files, &File{Name: name, Mode: fs.ModeSymlink | 0o777, Target: target, path: file})
		return
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && staysInside(name, target) {
		t.problem("link-broken", name, target)
		return
	}
	t.problem("link-outside", name, target)
}

// leadsInside reports whether the final target of a link exists and is below the
// folder.
func (t *Tree) leadsInside(file string) bool {
	real, err := filepath.EvalSymlinks(file)
	top, err2 := filepath.EvalSymlinks(t.Dir)
	if err != nil || err2 != nil {
		return false
	}
	name, err := filepath.Rel(top, real)
	return err == nil && filepath.IsLocal(name)
}

// staysInside reports whether a link with that name and target stays within the
// package.
func staysInside(name, target string) bool {
	return !path.IsAbs(target) && !strings.Contains(target, `\`) && filepath.IsLocal(path.Join(path.Dir(name), target))
}

// HasProblem reports whether reading a file was a problem.
func (t *Tree) HasProblem(name string) bool {
	return slices.ContainsFunc(t.Problems, func(p Problem) bool { return p.Name == name })
}
