// Package seccomp makes system calls fail, for tests of what sandboxes deny.
package seccomp

import (
	"syscall"
	"unsafe"
)

// What a filter sees begins with the number of the call; the first argument is
// behind that, the architecture and the address.
const (
	number, argument = 0, 16

	load, jumpEqual, ret = 0x20, 0x15, 0x06
	allow, fail          = 0x7fff0000, 0x00050000
)

// Deny makes a system call fail with errno from now on, in this thread and in
// the processes that it starts. It cannot be undone.
func Deny(call uint32, errno syscall.Errno) error {
	return install([]syscall.SockFilter{
		{Code: load, K: number},
		{Code: jumpEqual, K: call, Jf: 1},
		{Code: ret, K: fail | uint32(errno)},
		{Code: ret, K: allow},
	})
}

// DenyWith is Deny for the calls with that first argument.
func DenyWith(call, first uint32, errno syscall.Errno) error {
	return install([]syscall.SockFilter{
		{Code: load, K: number},
		{Code: jumpEqual, K: call, Jf: 3},
		{Code: load, K: argument},
		{Code: jumpEqual, K: first, Jf: 1},
		{Code: ret, K: fail | uint32(errno)},
		{Code: ret, K: allow},
	})
}

func install(filter []syscall.SockFilter) error {
	const setNoNewPrivs, setSeccomp, modeFilter = 38, 22, 2
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0); failed != 0 {
		return failed
	}
	_, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)))
	if failed != 0 {
		return failed
	}
	return nil
}
