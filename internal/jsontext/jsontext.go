// Package jsontext writes texts as JSON strings.
package jsontext

import (
	"fmt"
	"unicode/utf8"
)

// Append appends text as a JSON string. Invalid UTF-8 becomes U+FFFD. Unlike package
// json it leaves <, > and & as they are: most of it is read in consoles, where
// \u003c is noise.
func Append(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ', r == '\u2028', r == '\u2029': // the last two end lines in JavaScript
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
