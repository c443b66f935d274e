package failure

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"syscall"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"
)

// OfStart returns what is wrong with a program that process.Start could not start. The
// kernel reports "no such file" also when the interpreter is missing.
func OfStart(err error) error {
	start, ok := errors.AsType[*process.StartError](err)
	if !ok {
		return err
	}
	switch {
	case isTooLong(start):
		return protocol.Failuref("Function.EventTooLarge", "cannot start %s: its arguments and variables are longer than Linux allows (128 KB each, a few MB in total): shorten the event or a variable", start.Path)
	case start.Exhausted:
		return &supervisor.FatalError{Failure: protocol.Failuref("Runtime.TooManyProcesses", "%v", err)}
	case slices.Contains(shortages, start.Errno):
		return protocol.Failuref("Runtime.StartError", "%v", err)
	}
	if f := cmp.Or(command.Check(start.Path), command.Refusal(start.Path, start.Errno)); f != nil {
		return f
	}
	return protocol.Failuref("Function.StartError", "%v", err)
}

// AddUnreadable adds a reason to a failure that mentions a denied permission, if
// the program itself may be the file that could not be read.
func AddUnreadable(f *protocol.Failure, program string) {
	if text := strings.ToLower(f.Message + strings.Join(f.Stack, "\n")); !containsOne(text, []string{"permission denied", "eacces"}) {
		return
	}
	if why := command.Unreadable(program); why != "" {
		f.Message += " (" + why + ")"
	}
}

// isTooLong reports whether the arguments or the environment are too long. gVisor
// returns ENAMETOOLONG instead of E2BIG; Linux returns it for paths only.
func isTooLong(start *process.StartError) bool {
	if start.Errno == syscall.ENAMETOOLONG {
		return command.Exists(start.Path)
	}
	return start.Errno == syscall.E2BIG
}

// shortages are the errors of a start that say that the sandbox has run out of
// something.
var shortages = []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE}
