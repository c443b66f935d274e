package procfs

import (
	"bytes"
	"strconv"
)

// Resident returns the resident memory of a process in bytes. Shared pages
// count in full.
func Resident(pid int) int { return residentIn(read(pid, "statm")) }

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
func Peak(pid int) int { return kilobytes(pid, "status", "\nVmHWM:") }

// Proportional returns the resident memory of a process in bytes, of which a
// page that n processes share counts 1/n. It returns 0 where the kernel does not
// say. It is slower than Resident.
func Proportional(pid int) int { return kilobytes(pid, "smaps_rollup", "\nPss:") }

// ProportionalTree returns the sum of Proportional over a process and its
// descendants. Resident counts where Proportional is not known.
func ProportionalTree(pid int) (sum int) {
	for _, each := range append(Descendants(pid), pid) {
		if n := Proportional(each); n > 0 {
			sum += n
		} else {
			sum += Resident(each)
		}
	}
	return sum
}

// kilobytes reads a line such as "VmHWM:  1024 kB" and returns bytes.
func kilobytes(pid int, file, name string) int {
	_, line, _ := bytes.Cut(read(pid, file), []byte(name))
	line, _, _ = bytes.Cut(line, []byte(" kB"))
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line))) // written by the kernel
	return n << 10
}
