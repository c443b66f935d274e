package screen

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// token matches a part of JSON that gets a color: a name, a string, a number or a
// literal.
var token = regexp.MustCompile(`("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null`)

// colorJSON colours the tokens of JSON and changes nothing else. It returns any
// other text unchanged.
func (p palette) colorJSON(text []byte) []byte {
	if !bool(p) || !json.Valid(text) {
		return text
	}
	return token.ReplaceAllFunc(text, func(t []byte) []byte {
		switch {
		case t[0] != '"' && (t[0] == '-' || t[0] >= '0' && t[0] <= '9'):
			return []byte(p.paint(yellow, string(t)))
		case t[0] != '"':
			return []byte(p.paint(dim, string(t)))
		case t[len(t)-1] == ':':
			end := bytes.LastIndexByte(t, '"') + 1
			return append([]byte(p.paint(cyan, string(t[:end]))), t[end:]...)
		}
		return []byte(p.paint(green, string(t)))
	})
}
