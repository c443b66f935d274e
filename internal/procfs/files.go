package procfs

import "syscall"

// The functions below make only the system calls that a file of /proc needs. Package os
// makes three times as many, because its files may block.

// ReadFile returns the content of a file in /proc. It reads the file in one call,
// because its process may exit between two calls. It returns nil if there is no such
// file.
func ReadFile(name string) []byte {
	for size := 4 << 10; ; size *= 4 {
		fd, err := open(name)
		if err != nil {
			return nil
		}
		text := make([]byte, size)
		n, _ := syscall.Read(fd, text) // the process has exited: empty
		_ = syscall.Close(fd)          // opened for reading only
		if n < size {
			return text[:max(n, 0)]
		}
	}
}

func open(name string) (fd int, err error) {
	for {
		fd, err = syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// list returns the names in a folder.
func list(dir string) (names []string, err error) {
	fd, err := open(dir)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	return listFrom(fd)
}

// listFrom returns the names in an open folder.
func listFrom(fd int) (names []string, err error) {
	if _, err := syscall.Seek(fd, 0, 0); err != nil {
		return nil, err
	}
	var buf [4 << 10]byte
	for {
		n, err := syscall.ReadDirent(fd, buf[:])
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names)
	}
}
