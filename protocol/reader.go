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
	spare  *Spare // memory for a large body; nil: none
}

// buffer returns memory for a body. A small one leaves the spare memory alone: it may
// be that of a poll without an event.
func (r *headReader) buffer(n int) []byte {
	if r.spare != nil && n > LargeBody {
		if spare := r.spare.Take(n); spare != nil {
			return spare[:n]
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
