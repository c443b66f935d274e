// Package pack reads the files of a function, from a folder or a zip, and writes
// the zip to upload.
package pack

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A File is one entry of a package.
type File struct {
	Name   string      // from the top of the package, with slashes
	Mode   fs.FileMode // type and permissions, as the platform would unpack them
	Size   int64
	Target string // what a symbolic link points to

	path string // of its content on this machine
	data []byte // replaces the content at path, unless it is nil
}

// Open opens the content of a regular file.
func (f *File) Open() (Content, error) {
	if f.data != nil {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(f.data), io.NopCloser(nil)}, nil
	}
	return os.Open(f.path)
}

// Content reads the content of a file.
type Content interface {
	io.ReadCloser
	io.ReaderAt
}

// Head returns the first bytes of a regular file, at most n.
func (f *File) Head(n int) ([]byte, error) {
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	head := make([]byte, n)
	n, err = io.ReadFull(content, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}

// Replace makes data the content of the file.
func (f *File) Replace(data []byte) {
	f.data, f.Size = data, int64(len(data))
}

// Path returns the path of a file on this machine with the content. It writes
// replaced content to a file in dir.
func (f *File) Path(dir string) (string, error) {
	if f.data == nil {
		return f.path, nil
	}
	file, err := os.CreateTemp(dir, "replaced-")
	if err != nil {
		return "", fmt.Errorf("cannot write %s: %w", f.Name, err)
	}
	_, err = file.Write(f.data)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return file.Name(), err
}

// runs reports whether a file that begins with head should be executable: a program
// for Linux, or a script that names its interpreter.
func runs(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x7fELF")) || bytes.HasPrefix(head, []byte("#!")) || bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!"))
}
