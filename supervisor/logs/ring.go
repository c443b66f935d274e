package logs

import "math/bits"

// A ring is a queue of bytes that grows as it is filled, and holds no memory
// when it is empty: the zero value.
type ring struct {
	data []byte // its length is a power of two
	head int    // of the first byte
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

// first is as much of the queue's beginning as lies together.
func (r *ring) first() []byte { return r.data[r.head:min(r.head+r.size, len(r.data))] }

// drop takes n bytes of first away.
func (r *ring) drop(n int) {
	r.size -= n
	if r.size == 0 {
		*r = ring{}
		return
	}
	r.head = (r.head + n) & (len(r.data) - 1)
}
