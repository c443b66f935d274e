package protocol

import (
	"bufio"
	"io"
)

// A headReader is a bufio.Reader whose source can be limited while headers are
// read, as textproto reads headers of any size.
type headReader struct {
	*bufio.Reader
	source *io.LimitedReader
	spare  []byte // memory to reuse for a large body
}

// largeBody is the size above which the memory of a body is reused.
const largeBody = 1 << 20

func (r *headReader) buffer(n int) []byte {
	if n > largeBody && n <= cap(r.spare) {
		return r.spare[:n]
	}
	return make([]byte, n)
}

const unlimited = 1<<63 - 1

func newHeadReader(r io.Reader) *headReader {
	source := &io.LimitedReader{R: r, N: unlimited}
	return &headReader{Reader: bufio.NewReader(source), source: source}
}

func (r *headReader) limit(n int64) { r.source.N = n }
