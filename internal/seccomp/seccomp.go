// Package seccomp makes system calls fail, for tests of what sandboxes deny.
package seccomp

import (
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Check compares one word of what a filter sees of a system call.
type Check struct {
	Offset uint32 // of the word: Call, Address, or that of an argument
	How    uint16 // to compare: Equals, AtLeast
	With   uint32
	Not    bool // the comparison must fail
}

// The words that a filter sees. An argument has two, the lower one first; so
// has the address of the instruction that makes the call.
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

// A Denial is an answer to system calls, in place of the kernel's.
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

// Where returns the denial limited to calls for which a check of each line holds,
// too.
func (d Denial) Where(lines ...[]Check) Denial {
	d.Lines = slices.Concat(d.Lines, lines)
	return d
}

// Words returns checks of which one holds if a word has one of these values.
func Words(offset uint32, values ...uint32) (line []Check) {
	for _, v := range values {
		line = append(line, Check{Offset: offset, How: Equals, With: v})
	}
	return line
}

// Argument is Words for an argument, counted from 0.
func Argument(n uint32, values ...uint32) []Check { return Words(argumentWord+8*n, values...) }

// Bits returns a check that an argument has at least one of these bits.
func Bits(n, mask uint32) []Check {
	return []Check{{Offset: argumentWord + 8*n, How: hasBits, With: mask}}
}

// Given returns checks of which one holds if an argument is not zero.
func Given(n uint32) []Check {
	lower := argumentWord + 8*n
	return []Check{{Offset: lower, How: hasBits, With: ^uint32(0)}, {Offset: lower + 4, How: hasBits, With: ^uint32(0)}}
}

// code is the part of a filter that gives the answer, or goes on behind itself.
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

// DenyWith is Deny for the calls with that first argument.
func DenyWith(call, first uint32, errno syscall.Errno) error {
	return Load([]Denial{Denies(errno, call).Where(Argument(0, first))})
}

// Load loads a filter for this thread, the processes that it starts, and the
// program that it becomes. The first denial that fits is the one that counts.
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

// Samples returns calls that the denial answers, as a number and its arguments:
// one for each number and each value that matters.
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

// sample is a call with the word that the check looks for.
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
