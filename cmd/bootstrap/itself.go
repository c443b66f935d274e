package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
)

// subcommands are the arguments with which this program serves no events.
var subcommands = []string{"check", "help", "probe", "version"}

// insideVariable is the variable that gives the processes of this runtime the
// address from which it gets its events. Another runtime may run inside this one,
// with another address.
const insideVariable = "FUNCTION_RUNTIME_API"

// enter sets insideVariable for the processes that this runtime starts. It returns an
// error if the address of the runtime API is missing or invalid, or if a runtime with
// the same address has started this one, because that would repeat endlessly.
func enter(p *protocol.Platform) error {
	address, err := p.Endpoint(os.Getenv)
	if err != nil {
		return err
	}
	if os.Getenv(insideVariable) == address {
		return fmt.Errorf("cannot run inside itself: %s is %q, so a command of this runtime has started it again: correct the handler or the command", insideVariable, address)
	}
	return os.Setenv(insideVariable, address)
}

// findCommand is command.Find for a command that must not be this program.
func findCommand(text, dir string) (program string, args []string, err error) {
	program, args, err = command.Find(text, dir, os.Getenv("PATH"))
	if err != nil {
		return "", nil, err
	}
	return program, args, errors.Join(refuseItself(program, args), refuseLine(text, dir))
}

// refuseLine returns an error if a command is a shell line that begins with this
// program. If this program comes later in the line, enter refuses it when it starts.
func refuseLine(text, dir string) error {
	words := command.FirstWords(text)
	if len(words) == 0 {
		return nil
	}
	program, err := command.FindProgram(words[0], dir, os.Getenv("PATH"))
	if err != nil {
		return nil // the word may be a builtin of the shell
	}
	return refuseItself(program, words)
}

// checkFunction returns an error if the handler or the command is this program.
// Other mistakes show at the start.
func (b *builder) checkFunction() error {
	target, err := command.Resolve(b.Command, os.Getenv(b.platform.Handler), b.dir)
	if err != nil || target.Args == nil {
		return nil
	}
	program, err := command.FindProgram(target.Args[0], b.dir, os.Getenv("PATH"))
	if err != nil {
		return nil
	}
	if err := errors.Join(refuseItself(program, target.Args), refuseLine(b.Command, b.dir)); err != nil {
		return fmt.Errorf("%s: %w", b.functionOption(), err)
	}
	return nil
}

// functionOption names the variable that says what runs, and its value.
func (b *builder) functionOption() string {
	if b.Command != "" {
		return b.quoted(prefix + "_COMMAND")
	}
	return fmt.Sprintf("%s is %q", b.platform.Handler, os.Getenv(b.platform.Handler))
}

// refuseItself returns an error if the program is this one, and would serve
// events with these arguments, its name first.
func refuseItself(program string, args []string) error {
	if len(args) == 2 && slices.Contains(subcommands, args[1]) {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil // enter refuses this program when it starts
	}
	one, err := os.Stat(self)
	other, failed := os.Stat(program)
	if err != nil || failed != nil || !os.SameFile(one, other) {
		return nil
	}
	return errors.New("it is this runtime itself, which would start itself endlessly: name your own program or function, such as index.main_handler")
}
