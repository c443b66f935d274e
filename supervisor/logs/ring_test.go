package logs

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A ring returns the bytes that were added, wherever it wraps.
func TestRing(t *testing.T) {
	var r ring
	var want, got []byte
	for range 10_000 {
		p := bytes.Repeat([]byte{byte(rand.Int())}, rand.IntN(40_000))
		if rand.IntN(2) == 0 && r.size < 200_000 {
			r.append(p)
			want = append(want, p...)
		}
		n := min(rand.IntN(20_000), len(r.first()))
		got = append(got, r.first()[:n]...)
		r.drop(n)
		if len(got) > 10<<20 {
			break
		}
	}
	for r.size > 0 {
		got = append(got, r.first()...)
		r.drop(len(r.first()))
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, want the %d that went in", len(got), len(want))
	}
	if r.data != nil {
		t.Errorf("got %d bytes held by an empty ring, want none", len(r.data))
	}
}
