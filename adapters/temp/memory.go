package temp

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// MemoryFile makes a file in memory (Linux 3.17). Where there is a /proc, our other
// processes can open it by its Name.
func MemoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("bootstrap", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)), nil
}

// UnnamedFile makes a file without a name in the temp folder, or in memory where that
// folder is not writable. If neither works, it returns the error of the folder.
func UnnamedFile() (*os.File, error) {
	file, err := unnamedInTemp()
	if err == nil {
		return file, nil
	}
	memory, failed := MemoryFile()
	if failed != nil {
		return nil, err
	}
	return memory, nil
}

func unnamedInTemp() (*os.File, error) {
	file, err := os.CreateTemp("", "bootstrap-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
