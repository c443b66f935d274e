package adapters

import (
	"errors"
	"regexp"
	"strings"
	"sync"

	"bootstrap/protocol"
)

// escapes returns what matches the commands to a terminal in a text: for colours,
// titles, the cursor. It is compiled when it is first needed.
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

// withoutEscapes removes them from the failure in err, if there is one: it is
// read in consoles that show them as they are.
func withoutEscapes(err error) error {
	if f, ok := errors.AsType[*protocol.Failure](err); ok {
		f.Message = plain(f.Message)
		for i, line := range f.Stack {
			f.Stack[i] = plain(line)
		}
	}
	return err
}
