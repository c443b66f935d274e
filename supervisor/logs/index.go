package logs

import "strings"

// An index finds which of many secrets a text holds: by the first bytes of each.
type index struct {
	starts map[uint32][]*secret
	filter [1 << 12]uint16 // how many secrets have a start with that hash; most bytes of a text have none
}

// firstBytes is the number of the first bytes of a text, which has so many.
func firstBytes(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

func hash(start uint32) uint32 { return start * 2654435761 >> 20 } // 12 bits

// add indexes a secret, unless next to nothing of it is left when it is folded.
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
	clear(x.starts[key][len(others):]) // hold nothing that was removed
	if x.starts[key] = others; len(others) == 0 {
		delete(x.starts, key)
	}
}

// find appends where the text holds a secret, or the beginning of one that was
// cut off: before a …, and at the end where cut says so.
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

// isCut reports whether a text was cut before what follows, perhaps within a
// character.
func isCut(follows string, cut bool) bool {
	follows = strings.TrimPrefix(follows, "\uFFFD")
	return cut && follows == "" || strings.HasPrefix(follows, "…")
}

// common returns how many bytes two texts have in common at their beginning.
func common(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
