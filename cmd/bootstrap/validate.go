package main

import (
	"errors"
	"fmt"
	"os"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
)

// problems are what is wrong with the configuration for what is to run, and on
// this platform.
func (r *runtime) problems() error {
	all := []error{concurrencyProblem(r.Config, r.platform)}
	complain := func(option string, err error) { all = append(all, fmt.Errorf("%s: %w", r.told(option), err)) }
	if _, err := command.Arguments(r.Command); err != nil {
		complain(prefix+"_COMMAND", err)
	}
	function := r.function()
	for _, m := range function.Misfits() {
		complain(m.Option, errors.New(m.Why))
	}
	if r.InitCommand != "" {
		if _, _, err := command.Find(r.InitCommand, r.dir, os.Getenv("PATH")); err != nil {
			complain(prefix+"_INIT_COMMAND", err)
		}
	}
	return errors.Join(append(all, r.findCompany()...)...)
}

// concurrencyProblem: answers to several events at the same time need paths
// that tell whose they are.
func concurrencyProblem(c *Config, p *protocol.Platform) error {
	if c.Concurrency <= 1 || p.NamesEvent() {
		return nil
	}
	return fmt.Errorf("%s: %s gives an instance one event at a time, as its calls carry no request id: leave it out",
		c.told(prefix+"_CONCURRENCY"), p.Title)
}
