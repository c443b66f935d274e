package temp

import (
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
