package main

import (
	"errors"
	"fmt"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
)

// validate finds the sidecars and the stop command, which supervisor needs, and returns
// all errors in options for this function and this platform. It must be called only once.
func (b *builder) validate() error {
	all := []error{validateConcurrency(b.Config, b.platform), validateDescriptors(slots(b.Config, b.platform))}
	add := func(option string, err error) { all = append(all, fmt.Errorf("%s: %w", b.quoted(option), err)) }
	if _, err := command.Arguments(b.Command); err != nil {
		add(prefix+"_COMMAND", err)
	}
	all = append(all, b.checkFunction())
	function := b.function()
	for _, m := range function.Conflicts() {
		add(m.Option, errors.New(m.Why))
	}
	if b.InitCommand != "" {
		if _, _, err := findCommand(b.InitCommand, b.dir); err != nil {
			add(prefix+"_INIT_COMMAND", err)
		}
	}
	all = append(all, b.findSidecars()...)
	if b.StopCommand != "" {
		all = append(all, b.findStopCommand())
	}
	return errors.Join(all...)
}

// validateConcurrency returns an error where answers do not name their event:
// then events must not be served at the same time.
func validateConcurrency(c *Config, p *protocol.Platform) error {
	if c.Concurrency <= 1 || p.NamesEvent() {
		return nil
	}
	return fmt.Errorf("%s: %s gives an instance one event at a time, as its answers carry no request id: remove the option",
		c.quoted(prefix+"_CONCURRENCY"), p.Title)
}
