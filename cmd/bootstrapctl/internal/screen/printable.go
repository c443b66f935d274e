package screen

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// colors matches the escape sequences that set colours.
var colors = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// printable returns a line in a form that is safe on a terminal: colours stay and
// end with the line, and other control characters and bytes that are not UTF-8
// become text, such as \x07.
func printable(line string) string {
	if !strings.ContainsFunc(line, isUnsafe) && utf8.ValidString(line) {
		return line
	}
	var b strings.Builder
	end := 0
	for _, at := range colors.FindAllStringIndex(line, -1) {
		writeSafe(&b, line[end:at[0]])
		b.WriteString(line[at[0]:at[1]])
		end = at[1]
	}
	writeSafe(&b, line[end:])
	if end > 0 {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

func isUnsafe(r rune) bool { return unicode.IsControl(r) && r != '\t' }

func writeSafe(b *strings.Builder, text string) {
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1, isUnsafe(r) && size == 1:
			fmt.Fprintf(b, `\x%02x`, text[0])
		case isUnsafe(r): // of those beyond ASCII, some begin an escape sequence
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
}
