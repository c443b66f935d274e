package logs

import (
	"strings"
	"unicode/utf8"
)

// A Tail is an io.Writer that keeps the last bytes written to it. The zero
// value keeps none.
type Tail struct {
	Max   int   // bytes to keep
	Total int64 // bytes written so far

	kept []byte
}

func (t *Tail) Write(p []byte) (int, error) {
	t.Total += int64(len(p))
	t.kept = append(t.kept, p[max(0, len(p)-t.Max):]...)
	if over := len(t.kept) - t.Max; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// Reset forgets everything.
func (t *Tail) Reset() { t.kept, t.Total = t.kept[:0], 0 }

// String returns the kept bytes as valid UTF-8. It leaves out the rest of a
// character at their beginning.
func (t *Tail) String() string {
	b := t.kept
	if t.Total > int64(len(b)) {
		for n := 0; n < utf8.UTFMax-1 && len(b) > 0 && !utf8.RuneStart(b[0]); n++ {
			b = b[1:]
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
