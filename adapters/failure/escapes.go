package failure

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"bootstrap/protocol"
)

// escapes returns a pattern that matches terminal escape sequences, such as colours,
// titles and cursor movements.
var escapes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("\x1b(?:" + strings.Join([]string{
		`\[[0-?]*[ -/]*[@-~]`,                  // CSI
		`[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?`, // OSC and other strings
		`[ -/]*[0-~]`,
	}, "|") + ")?")
})

// plain returns a text without terminal escapes.
func plain(text string) string {
	if !strings.Contains(text, "\x1b") {
		return text
	}
	return escapes().ReplaceAllString(text, "")
}

// WithoutEscapes returns err, or, if it is a failure, a copy without terminal
// escapes, because consoles show those literally. Several slots may share the
// failure of an init command, so err itself does not change.
func WithoutEscapes(err error) error {
	f, ok := err.(*protocol.Failure)
	if !ok {
		return err
	}
	clean := &protocol.Failure{Type: f.Type, Message: plain(f.Message), Stack: slices.Clone(f.Stack)}
	for i, line := range clean.Stack {
		clean.Stack[i] = plain(line)
	}
	return clean
}
