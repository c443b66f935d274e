package pack

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// Add puts a file with that content at the top of the package, and replaces a file
// of the same name.
func (t *Tree) Add(name string, mode fs.FileMode, data []byte) {
	f := t.File(name)
	if f == nil {
		f = &File{Name: name}
		t.Files = append(t.Files, f)
		t.sort()
	}
	f.Mode, f.Target = mode, ""
	f.Replace(data)
}

// Date returns the date of all files of a zip: SOURCE_DATE_EPOCH, else the earliest
// date that a zip can hold.
func Date(getenv func(string) string) (time.Time, error) {
	first := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	epoch := getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return first, nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return first, fmt.Errorf("SOURCE_DATE_EPOCH is %q: expected seconds since 1970", epoch)
	}
	if date := time.Unix(seconds, 0).UTC(); date.After(first) && date.Year() < 2107 {
		return date, nil
	}
	return first, nil
}

// Write writes the zip. The same tree and date give the same bytes. If progress is
// not nil, it is called with the number of bytes read so far.
func (t *Tree) Write(w io.Writer, date time.Time, progress func(done int64)) error {
	archive := zip.NewWriter(w)
	done := &counter{report: progress}
	for _, f := range t.Files {
		if err := f.write(archive, date, done); err != nil {
			return fmt.Errorf("cannot pack %s: %w", f.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("cannot write the zip: %w", err)
	}
	return nil
}

// A counter counts the bytes that are written to it.
type counter struct {
	total  int64
	report func(total int64) // may be nil
}

func (c *counter) Write(p []byte) (int, error) {
	c.total += int64(len(p))
	if c.report != nil {
		c.report(c.total)
	}
	return len(p), nil
}

func (f *File) write(archive *zip.Writer, date time.Time, done io.Writer) error {
	header := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: date}
	header.SetMode(f.Mode)
	if f.Mode&fs.ModeSymlink != 0 {
		header.Method = zip.Store
	}
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	if f.Mode&fs.ModeSymlink != 0 {
		_, err = io.WriteString(entry, f.Target)
		return err
	}
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(entry, io.TeeReader(content, done))
	return err
}

// WriteFile writes the zip to a file, and leaves no partial file behind.
func (t *Tree) WriteFile(name string, date time.Time, progress func(done int64)) (size int64, err error) {
	part := name + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, fmt.Errorf("cannot write the zip: %w", err)
	}
	err = t.Write(file, date, progress)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		_ = os.Remove(part) // the error says why
	}
	return size, err
}
