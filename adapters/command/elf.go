package command

import (
	"bytes"
	"encoding/binary"
)

// loaderIn returns the dynamic loader that a 64-bit little-endian ELF file names in
// its head, where linkers put it. It is empty if there is none, or the name is cut.
func loaderIn(head []byte) string {
	if len(head) < 64 || head[4] != 2 || head[5] != 1 {
		return ""
	}
	u16 := func(at uint64) uint64 { return uint64(binary.LittleEndian.Uint16(head[at:])) }
	u64 := binary.LittleEndian.Uint64
	const interp = 3
	at, size, count := u64(head[32:]), u16(54), u16(56)
	for ; count > 0 && size >= 56 && at < uint64(len(head)) && uint64(len(head))-at >= size; at, count = at+size, count-1 {
		if binary.LittleEndian.Uint32(head[at:]) != interp {
			continue
		}
		offset := u64(head[at+8:])
		if offset >= uint64(len(head)) {
			return ""
		}
		if loader, _, whole := bytes.Cut(head[offset:], []byte{0}); whole {
			return string(loader)
		}
		return ""
	}
	return ""
}
