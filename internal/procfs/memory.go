package procfs

import (
	"bytes"
	"os"
	"strconv"
)

// Resident returns how much memory a process holds, in bytes. Pages that it
// shares with others count in full.
func Resident(pid int) int {
	fields := bytes.Fields(read(pid, "statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(string(fields[1])) // the kernel wrote it
	return pages * os.Getpagesize()
}

// ResidentTree returns how much memory a process and its descendants hold, in
// bytes.
func ResidentTree(pid int) int {
	sum := Resident(pid)
	for _, child := range Descendants(pid) {
		sum += Resident(child)
	}
	return sum
}

// Peak returns the most memory that a living process has held, in bytes; 0
// where the kernel does not say.
func Peak(pid int) int {
	_, line, _ := bytes.Cut(read(pid, "status"), []byte("\nVmHWM:"))
	line, _, _ = bytes.Cut(line, []byte(" kB"))
	kilobytes, _ := strconv.Atoi(string(bytes.TrimSpace(line))) // the kernel wrote it
	return kilobytes << 10
}
