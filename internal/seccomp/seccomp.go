// Package seccomp makes system calls fail, to test the restrictions of sandboxes.
package seccomp

import (
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Check compares one word of a filter's input, which describes a system call.
type Check struct {
	Offset uint32 // of the word: Call, Address, or that of an argument
	How    uint16 // to compare: Equals, AtLeast
	With   uint32
	Not    bool // the comparison must fail
}

// Offsets of words in a filter's input. An argument has two words, the lower one
// first, and so has the address of the instruction that makes the call.
const (
	Call         = 0
	Address      = 8
	argumentWord = 16
)

// The ways to compare.
const (
	Equals  = unix.BPF_JMP | unix.BPF_JEQ
	AtLeast = unix.BPF_JMP | unix.BPF_JGE
	hasBits = unix.BPF_JMP | unix.BPF_JSET
)

// A Denial is a result of system calls that replaces the kernel's.
type Denial struct {
	Lines  [][]Check // one check of each must hold
	Answer uint32
}

// Denies returns a denial that makes calls fail.
func Denies(errno syscall.Errno, calls ...uint32) Denial {
	return Denial{[][]Check{Words(Call, calls...)}, unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// Kills returns a denial that kills the process that makes one of the calls.
func Kills(calls ...uint32) Denial {
	return Denial{[][]Check{Words(Call, calls...)}, unix.SECCOMP_RET_KILL_PROCESS}
}

// Where returns a denial for those of the calls for which one check of each line
// holds.
func (d Denial) Where(lines ...[]Check) Denial {
	d.Lines = slices.Concat(d.Lines, lines)
	return d
}

// Words returns a line of checks: a word must have one of these values.
func Words(offset uint32, values ...uint32) (line []Check) {
	for _, v := range values {
		line = append(line, Check{Offset: offset, How: Equals, With: v})
	}
	return line
}

// Argument does the same as Words for an argument, counted from 0.
func Argument(n uint32, values ...uint32) []Check { return Words(argumentWord+8*n, values...) }

// Bits returns a check that an argument has at least one of these bits.
func Bits(n, mask uint32) []Check {
	return []Check{{Offset: argumentWord + 8*n, How: hasBits, With: mask}}
}

// Given returns a line of checks: an argument must not be zero.
func Given(n uint32) []Check {
	lower := argumentWord + 8*n
	return []Check{{Offset: lower, How: hasBits, With: ^uint32(0)}, {Offset: lower + 4, How: hasBits, With: ^uint32(0)}}
}

// code returns the part of a filter that returns the denial's result, or continues
// after itself.
func (d Denial) code() (code []syscall.SockFilter) {
	size := 1
	for _, line := range d.Lines {
		size += 2 * len(line)
	}
	for _, line := range d.Lines {
		end := len(code) + 2*len(line)
		for i, c := range line {
			code = append(code, syscall.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: c.Offset})
			next := len(code) + 1
			holds, fails := uint8(end-next), uint8(0)
			if i == len(line)-1 {
				fails = uint8(size - next)
			}
			if c.Not {
				holds, fails = fails, holds
			}
			code = append(code, syscall.SockFilter{Code: c.How | unix.BPF_K, K: c.With, Jt: holds, Jf: fails})
		}
	}
	return append(code, answer(d.Answer))
}

func answer(value uint32) syscall.SockFilter {
	return syscall.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
}

// Deny makes a system call fail with errno from now on, in this thread and in
// the processes that it starts. It cannot be undone.
func Deny(call uint32, errno syscall.Errno) error {
	return Load([]Denial{Denies(errno, call)})
}

// DenyWith does the same as Deny for calls with that first argument.
func DenyWith(call, first uint32, errno syscall.Errno) error {
	return Load([]Denial{Denies(errno, call).Where(Argument(0, first))})
}

// Load loads a filter for this thread, the processes that it starts, and the program
// that it executes. The first denial that matches decides.
func Load(denials []Denial) error {
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

// Samples returns calls that the denial matches, each as a number and arguments: one
// for each number and each value that a check compares.
func (d Denial) Samples() (calls [][]uint32) {
	calls = [][]uint32{{0}}
	for _, line := range d.Lines {
		var longer [][]uint32
		for _, c := range line {
			for _, call := range calls {
				longer = append(longer, c.sample(call))
			}
		}
		calls = longer
	}
	return calls
}

// sample returns a call with the word that the check compares.
func (c Check) sample(call []uint32) []uint32 {
	words := append([]uint32(nil), call...)
	at := 0
	if c.Offset >= argumentWord {
		at = 1 + int(c.Offset-argumentWord)/8
	}
	for len(words) <= at {
		words = append(words, 0)
	}
	words[at] = c.With
	return words
}
