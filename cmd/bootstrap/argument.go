package main

import (
	"regexp"
	"strings"
	"sync"

	"bootstrap/adapters"
)

// firstArgument matches the first argument of a command line, in double quotes.
var firstArgument = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"\$(1|\{1\}|@)"`) })

// warnOfArgument warns of a command line that reads its event as an argument and
// does not get it there. It ignores a line that sets arguments or defines functions,
// because $1 may not be the event there.
func (b *builder) warnOfArgument() {
	line := b.Command
	isList := strings.HasPrefix(strings.TrimSpace(line), "[")
	setsOthers := strings.Contains(line, "set -- ") || strings.Contains(line, "()")
	if isList || setsOthers || b.Delivery == string(adapters.Argv) || !firstArgument().MatchString(line) {
		return
	}
	b.logger.Warn("the command line reads an argument, but the event is on stdin: set BOOTSTRAP_DELIVERY=argv", "option", prefix+"_COMMAND")
}
