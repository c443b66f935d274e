package logs

import (
	"bytes"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A view is a text with some escape sequences decoded.
type view struct {
	text    string
	origins []int // the offset of each byte of text in the original, and the length of the original; nil: text is the original
}

// span returns the part of the original that a part of the view comes from.
func (v view) span(from, to int) span { return span{v.origin(from), v.origin(to)} }

func (v view) origin(i int) int {
	if v.origins == nil {
		return i
	}
	return v.origins[i]
}

// maxNested is how deep quoted texts may be nested, such as JSON in JSON in a line
// of the log.
const maxNested = 3

// views yields the text itself, and what up to maxNested decoders in a row make of it.
// Each view is folded.
func views(text string) iter.Seq[view] {
	return func(yield func(view) bool) { view{text: text}.each(maxNested, yield) }
}

func (v view) each(nested int, yield func(view) bool) bool {
	if !yield(v.folded()) {
		return false
	}
	for _, d := range decoders {
		if nested == 0 || strings.IndexByte(v.text, d.begins) < 0 {
			continue
		}
		if decoded := v.decoded(d.decode); len(decoded.text) < len(v.text) && !decoded.each(nested-1, yield) {
			return false
		}
	}
	return true
}

// decoders are the ways to decode. If src begins with an escape sequence, decode
// appends its meaning to dst and returns the length of the sequence, else 0.
var decoders = []struct {
	begins byte
	decode func(dst, src []byte) (decoded []byte, size int)
}{
	{'\\', backslash},
	{'\\', quote},
	{'\\', shellQuote},
	{'%', percent},
}

// decoded returns the view that one decoder makes of v.
func (v view) decoded(decode func(dst, src []byte) ([]byte, int)) view {
	src := []byte(v.text)
	out, at := make([]byte, 0, len(src)), make([]int, 0, len(src)+1)
	for i := 0; i < len(src); {
		next, size := decode(out, src[i:])
		if size == 0 {
			_, size = utf8.DecodeRune(src[i:])
			next = append(out, src[i:i+size]...)
		}
		for range len(next) - len(out) {
			at = append(at, v.origin(i))
		}
		out = next
		i += size
	}
	return view{string(out), append(at, v.origin(len(src)))}
}

// folded returns the view in which each plus is a space and invalid UTF-8 is
// U+FFFD, because escapes confuse these.
func (v view) folded() view {
	v.text = strings.ReplaceAll(v.text, "+", " ")
	if isText(v.text) {
		return v
	}
	return v.decoded(replaceInvalid)
}

// fold returns the folded text.
func fold(text string) string {
	if text = strings.ReplaceAll(text, "+", " "); isText(text) {
		return text
	}
	return view{text: text}.decoded(replaceInvalid).text
}

func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError)
}

// replaceInvalid decodes a run of invalid UTF-8 and of U+FFFD to one U+FFFD.
func replaceInvalid(dst, src []byte) ([]byte, int) {
	n := 0
	for n < len(src) {
		r, size := utf8.DecodeRune(src[n:])
		if r != utf8.RuneError {
			break
		}
		n += size
	}
	if n > 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	return dst, n
}

// shellQuote decodes a quote within single quotes of a shell, where a backslash has no
// meaning elsewhere:
//
//	'it'\''s'
func shellQuote(dst, src []byte) ([]byte, int) {
	const quote = `'\''`
	if bytes.HasPrefix(src, []byte(quote)) {
		return append(dst, '\''), len(quote)
	}
	return dst, 0
}

// backslash decodes \n, \/, \u002b and the like.
func backslash(dst, src []byte) ([]byte, int) {
	if src[0] != '\\' {
		return dst, 0
	}
	if len(src) == 1 || isCut(string(src[1:min(len(src), 5)]), false) {
		return dst, 1
	}
	if i := strings.IndexByte("abfnrtv", src[1]); i >= 0 {
		return append(dst, "\a\b\f\n\r\t\v"[i]), 2
	}
	switch c := src[1]; {
	case c == 'x':
		return hexadecimal(dst, src, 2, 2, func(b []byte, n uint32) []byte { return append(b, byte(n)) })
	case c == 'u':
		return unicode(dst, src)
	case c == 'U':
		return hexadecimal(dst, src, 2, 8, func(b []byte, n uint32) []byte { return utf8.AppendRune(b, rune(n)) })
	case c < utf8.RuneSelf && c > ' ' && !isAlphanumeric(c):
		return append(dst, c), 2
	}
	return dst, 0
}

// quote decodes \" alone: package hclog leaves other backslashes as they are.
func quote(dst, src []byte) ([]byte, int) {
	if len(src) > 1 && src[0] == '\\' && src[1] == '"' {
		return append(dst, '"'), 2
	}
	return dst, 0
}

// percent decodes %2B as in a URL.
func percent(dst, src []byte) ([]byte, int) {
	if src[0] != '%' {
		return dst, 0
	}
	return hexadecimal(dst, src, 1, 2, func(b []byte, n uint32) []byte { return append(b, byte(n)) })
}

// unicode decodes \ud83d\ude00, which is one character, and \u002b.
func unicode(dst, src []byte) ([]byte, int) {
	if len(src) >= 12 && src[6] == '\\' && src[7] == 'u' {
		high, _ := strconv.ParseUint(string(src[2:6]), 16, 16) // an error gives 0, which is not a surrogate
		low, _ := strconv.ParseUint(string(src[8:12]), 16, 16)
		if r := utf16.DecodeRune(rune(high), rune(low)); r != utf8.RuneError {
			return utf8.AppendRune(dst, r), 12
		}
	}
	return hexadecimal(dst, src, 2, 4, func(b []byte, n uint32) []byte { return utf8.AppendRune(b, rune(n)) })
}

// hexadecimal decodes a number of digits after a head. A number that was cut off
// is decoded to nothing.
func hexadecimal(dst, src []byte, head, digits int, add func([]byte, uint32) []byte) ([]byte, int) {
	n := head
	for n < len(src) && n < head+digits && isHex(src[n]) {
		n++
	}
	if n == head+digits {
		number, _ := strconv.ParseUint(string(src[head:n]), 16, 32) // cannot fail: all are digits
		return add(dst, uint32(number)), n
	}
	if n == len(src) || isCut(string(src[n:min(len(src), n+4)]), false) {
		return dst, n
	}
	return dst, 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
