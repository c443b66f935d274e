package adapters

import "errors"

// A result collects the answer of a command, up to the platform's limit. Write and
// Commit return errTooLarge once, when the limit is passed. After that the result
// accepts all bytes, and keeps none.
type result struct {
	data []byte
	max  int
	hint int // the expected size in bytes
	over int // the size at which it passed the limit; 0: it did not
}

// Reserve returns nil while the result is small, because copying it is cheap.
func (r *result) Reserve(size int) []byte {
	if r.over > 0 || max(len(r.data), r.hint) < size {
		return nil
	}
	if len(r.data) == cap(r.data) {
		r.grow(min(max(4*cap(r.data), r.hint, size), r.max) + 1) // 1 more, to notice the end or an excess
	}
	return r.data[len(r.data):cap(r.data)]
}

func (r *result) grow(size int) { r.data = append(make([]byte, 0, size), r.data...) }

func (r *result) Commit(n int) error {
	if err := r.limit(n); err != nil {
		return err
	}
	r.data = r.data[:len(r.data)+n]
	return nil
}

func (r *result) Write(p []byte) (int, error) {
	if err := r.limit(len(p)); err != nil {
		return 0, err
	}
	if r.over == 0 {
		r.data = append(r.data, p...)
	}
	return len(p), nil
}

// errTooLarge stops a command whose result is larger than the platform's limit.
var errTooLarge = errors.New("the result is too large")

// limit drops the result when n more bytes are too many.
func (r *result) limit(n int) error {
	size := len(r.data) + n
	if r.over > 0 || size <= r.max {
		return nil
	}
	r.data, r.over = nil, size
	return errTooLarge
}
