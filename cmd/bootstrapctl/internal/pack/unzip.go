package pack

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Limits on a zip to unpack. No platform accepts more.
const (
	maxEntries  = 100_000
	maxUnpacked = 2 << 30
	maxPath     = 4095 // bytes of a name, and of a link's target, as for Linux
)

// ErrTooLarge reports that a zip exceeds these limits.
var ErrTooLarge = errors.New("it is larger than any platform allows")

// ReadZip unpacks a zip into the empty folder dir, and nowhere else. Entries
// that are not safe to unpack become problems. An error means that the file is
// not a zip that can be read, that it is too large, or a shortage on this machine.
func ReadZip(file, dir string) (*Tree, error) {
	archive, err := zip.OpenReader(file)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	defer archive.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot unpack %s: %w", file, err)
	}
	defer root.Close()
	t := &Tree{Dir: dir, Zip: file}
	if info, err := os.Stat(file); err == nil {
		t.Packed = info.Size()
	}
	if err := t.unpack(&archive.Reader, root); err != nil {
		return nil, fmt.Errorf("cannot unpack %s: %w", file, err)
	}
	t.sort()
	return t, nil
}

func (t *Tree) unpack(archive *zip.Reader, root *os.Root) error {
	if len(archive.File) > maxEntries {
		return fmt.Errorf("%w: %d files", ErrTooLarge, len(archive.File))
	}
	if declaredSize(archive) > maxUnpacked {
		return ErrTooLarge
	}
	if hasTooManyFolders(archive) {
		return fmt.Errorf("%w: more than %d folders", ErrTooLarge, maxEntries)
	}
	left := int64(maxUnpacked) // as a zip may declare less than it has
	seen := map[string]bool{}
	for _, entry := range archive.File {
		if err := t.unpackEntry(entry, root, seen, &left); err != nil {
			return err
		}
	}
	t.link(root)
	return nil
}

// declaredSize returns the size of all files as the zip's directory states it, or more
// than maxUnpacked.
func declaredSize(archive *zip.Reader) (size uint64) {
	for _, entry := range archive.File {
		if size += min(entry.UncompressedSize64, maxUnpacked+1); size > maxUnpacked {
			break
		}
	}
	return size
}

// hasTooManyFolders reports whether the files of a zip are in more folders than a zip may
// have files. A long name alone has thousands.
func hasTooManyFolders(archive *zip.Reader) bool {
	folders := map[string]bool{}
	for _, entry := range archive.File {
		if len(entry.Name) > maxPath {
			continue // it is refused
		}
		for dir := path.Dir(entry.Name); len(dir) > 1 && !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
		if len(folders) > maxEntries {
			return true
		}
	}
	return false
}

// unpackEntry unpacks one entry, or adds a problem. After an error, no further entry
// is unpacked.
func (t *Tree) unpackEntry(entry *zip.File, root *os.Root, seen map[string]bool, left *int64) error {
	name := strings.TrimSuffix(entry.Name, "/")
	kind, detail := refuse(entry, name)
	if kind == "" && seen[name] {
		kind = "duplicate-name"
	}
	if kind != "" {
		t.problem(kind, entry.Name, detail)
		return nil
	}
	seen[name] = !entry.Mode().IsDir()
	if entry.Mode().IsDir() {
		return nil
	}
	f := &File{Name: name, Mode: entry.Mode(), path: filepath.Join(t.Dir, filepath.FromSlash(name))}
	err := f.unpack(entry, root, left)
	switch {
	case errors.Is(err, ErrTooLarge), IsShortage(err):
		return err
	case err != nil:
		t.problem("zip-broken", name, reason(err))
	default:
		t.Files = append(t.Files, f)
	}
	return nil
}

// IsShortage reports whether an error says that this machine lacks disk space,
// descriptors, processes or memory, of which there may be enough later.
func IsShortage(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// refuse returns the problem of an entry that must not be unpacked.
func refuse(entry *zip.File, name string) (kind, detail string) {
	switch {
	case len(name) > maxPath:
		return "zip-broken", fmt.Sprintf("its name has %d bytes", len(name))
	case strings.Contains(name, `\`):
		return "backslash-name", ""
	case !fs.ValidPath(name) || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsRune(name, 0):
		return "unsafe-name", ""
	case entry.Flags&1 != 0:
		return "zip-encrypted", ""
	case entry.Method != zip.Store && entry.Method != zip.Deflate:
		return "zip-method", fmt.Sprint(entry.Method)
	case !entry.Mode().IsRegular() && !entry.Mode().IsDir() && entry.Mode()&fs.ModeSymlink == 0:
		return "special-file", ""
	}
	return "", ""
}

func (f *File) unpack(entry *zip.File, root *os.Root, left *int64) error {
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if f.Mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(content, maxPath))
		f.Target = string(target)
		return err
	}
	if err := root.MkdirAll(path.Dir(f.Name), 0o700); err != nil {
		return err
	}
	// The runtime looks at the mode of programs when it checks its options.
	out, err := root.OpenFile(f.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|f.Mode.Perm())
	if err != nil {
		return err
	}
	f.Size, err = io.Copy(out, io.LimitReader(content, *left+1))
	if *left -= f.Size; *left < 0 {
		err = ErrTooLarge
	}
	return cmp.Or(err, out.Close())
}

// link creates the links last, so that no entry is unpacked through a link. A link
// that leaves the package is a problem. Links can do so together, so it looks when all
// are there.
func (t *Tree) link(root *os.Root) {
	for _, f := range t.Files {
		if f.isLink() && staysInside(f.Name, f.Target) {
			_ = root.MkdirAll(path.Dir(f.Name), 0o700) // a link that cannot be created here
			_ = root.Symlink(f.Target, f.Name)         // may still work on the platform
		}
	}
	t.Files = slices.DeleteFunc(t.Files, func(f *File) bool {
		if !f.isLink() || staysInside(f.Name, f.Target) && f.leadsInside(root) {
			return false
		}
		t.problem("link-outside", f.Name, f.Target)
		_ = root.Remove(f.Name) // it may not exist
		return true
	})
}

func (f *File) isLink() bool { return f.Mode&fs.ModeSymlink != 0 }

// leadsInside reports whether the target of a link is in the package or does not exist.
func (f *File) leadsInside(root *os.Root) bool {
	_, err := root.Stat(f.Name)
	return err == nil || errors.Is(err, fs.ErrNotExist)
}
