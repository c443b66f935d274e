package integration

import (
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A check compares one word of what a filter sees of a system call.
type check struct {
	offset uint32 // of the word, see below
	how    uint16 // it compares
	with   uint32
	not    bool // the comparison must be false
}

// The words that a filter sees. An argument has two, the lower one first; so
// has the address of the instruction that makes the call.
const (
	callWord     = 0
	addressWord  = 8
	argumentWord = 16
)

const (
	equals  = unix.BPF_JMP | unix.BPF_JEQ
	atLeast = unix.BPF_JMP | unix.BPF_JGE
	hasBits = unix.BPF_JMP | unix.BPF_JSET
)

// A denial is an answer to system calls, in place of the kernel's.
type denial struct {
	lines  [][]check // one check of each must hold
	answer uint32
}

// denies makes calls fail.
func denies(errno syscall.Errno, calls ...uint32) denial {
	return denial{[][]check{words(callWord, calls...)}, unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// kills makes calls the end of the process.
func kills(calls ...uint32) denial {
	return denial{[][]check{words(callWord, calls...)}, unix.SECCOMP_RET_KILL_PROCESS}
}

// where limits a denial to calls of which one check of each line holds, too.
func (d denial) where(lines ...[]check) denial {
	d.lines = slices.Concat(d.lines, lines)
	return d
}

// words checks that a word is one of these.
func words(offset uint32, values ...uint32) (line []check) {
	for _, v := range values {
		line = append(line, check{offset: offset, how: equals, with: v})
	}
	return line
}

// argument checks that an argument, counted from 0, is one of these.
func argument(n uint32, values ...uint32) []check { return words(argumentWord+8*n, values...) }

// bits checks that an argument has at least one of these bits.
func bits(n, mask uint32) []check {
	return []check{{offset: argumentWord + 8*n, how: hasBits, with: mask}}
}

// given checks that an argument is not zero.
func given(n uint32) []check {
	lower := argumentWord + 8*n
	return []check{{offset: lower, how: hasBits, with: ^uint32(0)}, {offset: lower + 4, how: hasBits, with: ^uint32(0)}}
}

// code is the part of a filter that gives the answer, or goes on behind itself.
func (d denial) code() (code []syscall.SockFilter) {
	size := 1
	for _, line := range d.lines {
		size += 2 * len(line)
	}
	for _, line := range d.lines {
		end := len(code) + 2*len(line)
		for i, c := range line {
			code = append(code, syscall.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: c.offset})
			next := len(code) + 1
			holds, fails := uint8(end-next), uint8(0)
			if i == len(line)-1 {
				fails = uint8(size - next)
			}
			if c.not {
				holds, fails = fails, holds
			}
			code = append(code, syscall.SockFilter{Code: c.how | unix.BPF_K, K: c.with, Jt: holds, Jf: fails})
		}
	}
	return append(code, answer(d.answer))
}

func answer(value uint32) syscall.SockFilter {
	return syscall.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
}

// filterCalls loads a filter for this thread, and for the program that it
// becomes. The first denial that fits is the one that counts.
func filterCalls(denials []denial) error {
	runtime.LockOSThread()
	var code []syscall.SockFilter
	for _, d := range denials {
		code = append(code, d.code()...)
	}
	code = append(code, answer(unix.SECCOMP_RET_ALLOW))
	program := syscall.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
