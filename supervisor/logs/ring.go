package logs

import "math/bits"

// A ring is a queue of bytes that grows as it fills. An empty ring is the zero
// value and holds no memory.
type ring struct {
	data []byte // its length is a power of two
	head int    // offset of the first byte
	size int    // bytes queued
}

func (r *ring) append(p []byte) {
	r.grow(r.size + len(p))
	tail := (r.head + r.size) & (len(r.data) - 1)
	n := copy(r.data[tail:], p)
	copy(r.data, p[n:])
	r.size += len(p)
}

func (r *ring) grow(size int) {
	if size <= len(r.data) {
		return
	}
	data := make([]byte, 1<<bits.Len(uint(max(size, pipeSize)-1)))
	n := copy(data, r.first())
	copy(data[n:], r.data[:r.size-n])
	r.data, r.head = data, 0
}

// first returns the first bytes of the queue, up to where it wraps.
func (r *ring) first() []byte { return r.data[r.head:min(r.head+r.size, len(r.data))] }

// drop removes the first n bytes, which first has returned.
func (r *ring) drop(n int) {
	r.size -= n
	if r.size == 0 {
		*r = ring{}
		return
	}
	r.head = (r.head + n) & (len(r.data) - 1)
}
