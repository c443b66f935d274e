package process

import (
	"syscall"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// settable are the status flags that fcntl can set, except O_NONBLOCK.
const settable = syscall.O_APPEND | syscall.O_ASYNC | syscall.O_DIRECT | unix.O_NOATIME

// Flags are the status flags of stdin, stdout and stderr, except O_NONBLOCK.
type Flags [3]int

// Flags returns the current flags of the process. Every process that has inherited
// these descriptors shares the flags, and can change them. If a descriptor is closed, or
// the process has exited, Flags reports all flags as set; without /proc it reports none.
func (p *Process) Flags() (flags Flags) {
	for fd := range flags {
		if len(p.flagsFiles) == fd {
			p.flagsFiles = append(p.flagsFiles, procfs.OpenFlags(p.pid, fd))
		}
		flags[fd] = p.flagsFiles[fd].Read() & settable
	}
	return flags
}

func (p *Process) closeFlagsFiles() {
	for _, f := range p.flagsFiles {
		f.Close()
	}
	p.flagsFiles = nil
}
