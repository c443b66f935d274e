package procfs

import (
	"bytes"
	"os"
	"strconv"
)

// Resident returns the resident memory of a process in bytes. Shared pages
// count in full.
func Resident(pid int) int {
	fields := bytes.Fields(read(pid, "statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(string(fields[1])) // written by the kernel
	return pages * os.Getpagesize()
}

// ResidentTree returns the resident memory of a process and its descendants in
// bytes.
func ResidentTree(pid int) int {
	sum := Resident(pid)
	for _, child := range Descendants(pid) {
		sum += Resident(child)
	}
	return sum
}

// Peak returns the maximum resident memory of a living process in bytes, or 0
// where the kernel does not report it.
func Peak(pid int) int {
	_, line, _ := bytes.Cut(read(pid, "status"), []byte("\nVmHWM:"))
	line, _, _ = bytes.Cut(line, []byte(" kB"))
	kilobytes, _ := strconv.Atoi(string(bytes.TrimSpace(line))) // written by the kernel
	return kilobytes << 10
}
