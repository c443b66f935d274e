//go:build linux

package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ReadPackaged reads a file of the package as ReadRegular does. Its error says how to
// make the file readable.
func ReadPackaged(path string) ([]byte, error) {
	text, err := ReadRegular(path)
	return text, withRemedy(err)
}

// ReadRegular reads a regular file of at most 1 MB. It refuses other files, such as
// pipes, because they may never end.
func ReadRegular(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() // only read
	const maxSize = 1 << 20
	switch info, err := file.Stat(); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is not a regular file")}
	case info.Size() > maxSize:
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has %d bytes, expected at most %d", info.Size(), maxSize)}
	}
	return io.ReadAll(io.LimitReader(file, maxSize))
}
