package http1

import (
	"bufio"
	"io"
)

// A headReader is a bufio.Reader whose source can be limited while headers are
// read, as textproto reads headers of any size.
type headReader struct {
	*bufio.Reader
	source *io.LimitedReader
	memory func(size int) []byte // for a body; may be nil or return nil
}

// buffer returns memory for a body.
func (r *headReader) buffer(n int) []byte {
	if r.memory != nil {
		if memory := r.memory(n); memory != nil {
			return memory[:n]
		}
	}
	return make([]byte, n)
}

const unlimited = 1<<63 - 1

func newHeadReader(r io.Reader) *headReader {
	source := &io.LimitedReader{R: r, N: unlimited}
	return &headReader{Reader: bufio.NewReader(source), source: source}
}

func (r *headReader) limit(n int64) { r.source.N = n }
