package logs

import "strings"

// An index finds which of many secrets a text holds, by their first four bytes.
type index struct {
	starts map[uint32][]*secret
	filter [1 << 12]uint16 // counts the secrets by the hash of their first bytes, to skip most of a text quickly
}

// firstBytes returns the first minSecret bytes of a text as a number.
func firstBytes(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// hash returns 12 bits.
func hash(first uint32) uint32 { return first * 2654435761 >> 20 }

// add indexes a secret, unless it is too short once it is folded.
func (x *index) add(s *secret) {
	s.folded = fold(s.line)
	if len(s.folded) < minSecret {
		s.folded = ""
		return
	}
	if x.starts == nil {
		x.starts = map[uint32][]*secret{}
	}
	key := firstBytes(s.folded)
	x.starts[key] = append(x.starts[key], s)
	x.filter[hash(key)]++
}

func (x *index) remove(s *secret) {
	if s.folded == "" {
		return
	}
	key := firstBytes(s.folded)
	x.filter[hash(key)]--
	others := x.starts[key][:0]
	for _, other := range x.starts[key] {
		if other != s {
			others = append(others, other)
		}
	}
	clear(x.starts[key][len(others):]) // frees the removed secret
	if x.starts[key] = others; len(others) == 0 {
		delete(x.starts, key)
	}
}

// find appends the places where the text holds a secret. It also finds the
// beginning of a secret that was cut off: before a …, and, with cut, at the end.
func (x *index) find(found []span, v view, cut bool) []span {
	for i := 0; i+minSecret <= len(v.text); i++ {
		key := firstBytes(v.text[i:])
		if x.filter[hash(key)] == 0 {
			continue
		}
		for _, s := range x.starts[key] {
			n := common(v.text[i:], s.folded)
			if n == len(s.folded) || isCut(v.text[i+n:], cut) {
				found = append(found, v.span(i, i+n))
			}
		}
	}
	return found
}

// isCut reports whether a text was cut off right before the rest, which may begin
// with what is left of a character. With cut, the end of the text is such a place.
func isCut(rest string, cut bool) bool {
	rest = strings.TrimPrefix(rest, "\uFFFD")
	return cut && rest == "" || strings.HasPrefix(rest, "…")
}

// common returns the length of the prefix that two texts share.
func common(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
