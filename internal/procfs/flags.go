package procfs

import (
	"bytes"
	"strconv"
	"syscall"
)

// A FlagsFile shows the status flags of a descriptor of a process, such as
// O_APPEND. It stays open, as it is read after every event.
type FlagsFile int

// OpenFlags opens the FlagsFile of a descriptor, which Close must close.
func OpenFlags(pid, fd int) FlagsFile {
	file, err := open(path(pid, "fdinfo/"+strconv.Itoa(fd)))
	if err != nil {
		return -1
	}
	return FlagsFile(file)
}

// Read returns the flags that the descriptor has now. It returns -1 if the
// descriptor is closed, also by the exit of its process, and 0 where there was no
// file to open.
func (f FlagsFile) Read() int {
	if f < 0 {
		return 0
	}
	var buf [256]byte // the flags are in the second line
	_, text, found := bytes.Cut(buf[:pread(int(f), buf[:], 0)], []byte("flags:\t"))
	if !found {
		return -1
	}
	text, _, _ = bytes.Cut(text, []byte("\n"))
	flags, _ := strconv.ParseInt(string(text), 8, 64) // written by the kernel
	return int(flags)
}

func (f FlagsFile) Close() { _ = syscall.Close(int(f)) } // opened for reading only
