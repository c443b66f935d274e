package main

import (
	"errors"
	"fmt"
	"os"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
)

// validate are what is wrong with the configuration for what is to run, and on
// this platform.
func (b *builder) validate() error {
	all := []error{validateConcurrency(b.Config, b.platform)}
	complain := func(option string, err error) { all = append(all, fmt.Errorf("%s: %w", b.quoted(option), err)) }
	if _, err := command.Arguments(b.Command); err != nil {
		complain(prefix+"_COMMAND", err)
	}
	function := b.function()
	for _, m := range function.Misfits() {
		complain(m.Option, errors.New(m.Why))
	}
	if b.InitCommand != "" {
		if _, _, err := command.Find(b.InitCommand, b.dir, os.Getenv("PATH")); err != nil {
			complain(prefix+"_INIT_COMMAND", err)
		}
	}
	return errors.Join(append(all, b.findSidecars()...)...)
}

// concurrencyProblem: answers to several events at the same time need paths
// that tell whose they are.
func validateConcurrency(c *Config, p *protocol.Platform) error {
	if c.Concurrency <= 1 || p.NamesEvent() {
		return nil
	}
	return fmt.Errorf("%s: %s gives an instance one event at a time, as its calls carry no request id: leave it out",
		c.quoted(prefix+"_CONCURRENCY"), p.Title)
}
