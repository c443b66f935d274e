// Package elftest makes the heads of ELF files for tests.
package elftest

import (
	"encoding/binary"
	"runtime"
)

// Numbers of machines in ELF files.
const (
	I386  = 3
	S390  = 22
	ARM   = 40
	AMD64 = 62
	ARM64 = 183
)

// This is the machine that the test runs on, and Other is another.
var (
	This  = map[string]uint16{"amd64": AMD64, "arm64": ARM64}[runtime.GOARCH]
	Other = map[string]uint16{"amd64": ARM64, "arm64": AMD64}[runtime.GOARCH]
)

// Program returns the head of a program for a machine. It names the loader,
// unless that is empty.
func Program(machine uint16, loader string) []byte {
	b := make([]byte, 120)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2) // a program
	le.PutUint16(b[18:], machine)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[32:], 64) // where the program headers are
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56) // their size
	if loader != "" {
		le.PutUint16(b[56:], 1) // their number
		le.PutUint32(b[64:], 3) // names the loader
		le.PutUint64(b[64+8:], 120)
		le.PutUint64(b[64+32:], uint64(len(loader)+1))
	}
	return append(append(b, loader...), 0)
}
