package main

import (
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

type cpuSet [16]uint64 // 1024 CPUs, as in glibc

func (s *cpuSet) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// last returns a set with only the last CPU of s, as the first one is busier.
func (s *cpuSet) last() (one cpuSet) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 0 {
			one[i] = 1 << (bits.Len64(s[i]) - 1)
			return one
		}
	}
	return one
}

func (s *cpuSet) call(number uintptr) error {
	_, _, errno := syscall.RawSyscall(number, 0, unsafe.Sizeof(*s), uintptr(unsafe.Pointer(s)))
	if errno != 0 {
		return errno
	}
	return nil
}

// pin runs this program and its children on one CPU. A message to another CPU has to
// wake it, which takes longer than many runtimes need for an event. pin executes the
// program again, because its existing threads would stay on their CPUs.
func pin() error {
	var cpus cpuSet
	if err := cpus.call(syscall.SYS_SCHED_GETAFFINITY); err != nil {
		return fmt.Errorf("cannot tell the CPUs: %w", err)
	}
	if cpus.count() == 1 {
		return nil
	}
	runtime.LockOSThread() // exec keeps the CPUs of the calling thread
	one := cpus.last()
	if err := one.call(syscall.SYS_SCHED_SETAFFINITY); err != nil {
		return fmt.Errorf("cannot keep to one CPU: %w", err)
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}
