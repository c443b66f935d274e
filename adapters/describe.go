package adapters

import (
	"cmp"
	"context"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// Describe says how events will reach the command, and what that is, for the
// log. It only looks.
func (c *Config) Describe() (adapter, command string) {
	t, err := Resolve(c.Command, c.Handler, c.Dir)
	command = shorten(cmp.Or(c.Command, c.Handler))
	switch {
	case err != nil:
		return "none", command
	case t.Function != "":
		return languageOf(t.File).interpreter + " function", t.Function + " in " + t.File
	case c.Worker:
		return "worker", command
	case c.Standby:
		return "standby program", command
	}
	return "program", command
}

// Refuse returns an adapter that cannot be started, for that reason: a wrong
// configuration.
func Refuse(reason error) supervisor.Adapter { return refused{reason} }

type refused struct{ reason error }

func (r refused) Start(context.Context) error {
	return problem("Runtime.ConfigError", "%v", r.reason)
}

func (r refused) Invoke(ctx context.Context, _ *protocol.Event) ([]byte, error) {
	return nil, r.Start(ctx)
}

func (refused) Close() error { return nil }
