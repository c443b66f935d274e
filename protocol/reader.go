package protocol

import (
	"bufio"
	"io"
)

// A headReader is a bufio.Reader whose source can be limited for as long as
// headers are read, which textproto takes without end.
type headReader struct {
	*bufio.Reader
	source *io.LimitedReader
	spare  []byte // memory for a large body
}

// largeBody is the size from which memory is used again.
const largeBody = 1 << 20

func (r *headReader) room(n int) []byte {
	if n > largeBody && n <= cap(r.spare) {
		return r.spare[:n]
	}
	return make([]byte, n)
}

// keep is told of a body that nobody will need when the next one is read.
func (r *headReader) keep(body []byte) {
	r.spare = nil
	if len(body) > largeBody {
		r.spare = body
	}
}

const unlimited = 1<<63 - 1

func newHeadReader(r io.Reader) *headReader {
	source := &io.LimitedReader{R: r, N: unlimited}
	return &headReader{Reader: bufio.NewReader(source), source: source}
}

func (r *headReader) limit(n int64) { r.source.N = n }
