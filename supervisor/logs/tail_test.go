package logs

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTail(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	for name, row := range map[string]struct {
		max    int
		writes []string
		want   string
	}{
		"nothing":                   {10, nil, ""},
		"less than max":             {10, []string{"abc", "def"}, "abcdef"},
		"exactly max":               {10, []string{"01234", "56789"}, "0123456789"},
		"one more than max":         {10, []string{"01234", "56789", "x"}, "123456789x"},
		"one write over max":        {10, []string{long + "abc"}, "3456789abc"},
		"a write after one over":    {10, []string{long, "abc"}, "3456789abc"},
		"one write of max":          {10, []string{"before", "0123456789"}, "0123456789"},
		"a byte at a time":          {3, strings.Split("abcdefgh", ""), "fgh"},
		"the zero value":            {0, []string{"abc", long}, ""},
		"bad bytes in the middle":   {10, []string{"a\xff\xfeb"}, "a\uFFFDb"},
		"a character over writes":   {10, []string{"\xe4\xb8", "\xad!"}, "中!"},
		"half a character, not cut": {10, []string{"\x96\x87!"}, "\uFFFD!"},
		"NUL and newlines":          {10, []string{"\x00\n\r\n"}, "\x00\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tail := Tail{Max: row.max}
			total := 0
			for _, w := range row.writes {
				total += len(w)
				if n, err := tail.Write([]byte(w)); n != len(w) || err != nil {
					t.Errorf("Write of %d bytes: got %d, %v", len(w), n, err)
				}
			}
			if got := tail.String(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if tail.Total != int64(total) {
				t.Errorf("Total: got %d, want %d", tail.Total, total)
			}
		})
	}
}

// E13: a cut inside a character drops the rest of that character, and no more.
func TestTailCut(t *testing.T) {
	for name, character := range map[string]string{"2 bytes": "é", "3 bytes": "中", "4 bytes": "😀"} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(character, 5)
			for max := range len(text) + 1 {
				tail := Tail{Max: max}
				_, _ = tail.Write([]byte(text))
				want := strings.Repeat(character, max/len(character))
				if got := tail.String(); got != want {
					t.Errorf("Max %d: got %q, want %q", max, got, want)
				}
			}
		})
	}
}

func TestTailReset(t *testing.T) {
	tail := Tail{Max: 4}
	_, _ = tail.Write([]byte("much more than that"))
	tail.Reset()
	if tail.Total != 0 || tail.String() != "" {
		t.Errorf("after Reset: got %d, %q", tail.Total, tail.String())
	}
	_, _ = tail.Write([]byte("中"))
	if tail.Total != 3 || tail.String() != "中" {
		t.Errorf("after another write: got %d, %q", tail.Total, tail.String())
	}
}

// String returns valid UTF-8 for any writes, and the same text as for one write of
// the last bytes.
func TestTailRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		tail := Tail{Max: random.IntN(20)}
		var all []byte
		for range random.IntN(5) {
			piece := make([]byte, random.IntN(30))
			for i := range piece {
				piece[i] = byte(random.Uint32())
			}
			all = append(all, piece...)
			_, _ = tail.Write(piece)
		}
		kept := all[max(0, len(all)-tail.Max):]
		got := tail.String()
		if !utf8.ValidString(got) {
			t.Fatalf("from % x: got %q, which is not UTF-8", kept, got)
		}
		most := 0 // bytes that may go for the sake of a whole character: U+FFFD has three
		if len(kept) < len(all) {
			most = 3
		}
		want := string(bytes.ToValidUTF8(kept, []byte("\uFFFD")))
		if !strings.HasSuffix(want, got) || len(want)-len(got) > most {
			t.Fatalf("from % x: got %q, want the end of %q", kept, got, want)
		}
		if len(tail.kept) > tail.Max || tail.Total != int64(len(all)) {
			t.Fatalf("got %d kept of %d, want at most %d of %d", len(tail.kept), tail.Total, tail.Max, len(all))
		}
	}
}
