package adapters

import (
	"context"
	"strings"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// Describe returns, for the log, how events reach the command, and the command
// without its arguments, which may be secret.
func (s *Settings) Describe() (adapter, what string) {
	t, err := command.Resolve(s.Command, s.Handler, s.Dir)
	switch {
	case err != nil:
		return "none", s.Handler
	case t.Function != "":
		return languageOf(t.File).interpreter + " function", t.Function + " in " + t.File
	case s.Worker:
		adapter = "worker"
	case s.Standby:
		adapter = "standby program"
	default:
		adapter = "program"
	}
	if s.Command != "" && len(t.Args) > 2 && strings.HasSuffix(t.Args[2], s.Command) { // a line for the shell
		return adapter, abridged(strings.Fields(s.Command))
	}
	return adapter, abridged(t.Args)
}

// abridged returns the first of some words, unless it is an assignment for a shell.
func abridged(words []string) string {
	switch {
	case len(words) == 0 || strings.Contains(words[0], "="):
		return "…"
	case len(words) == 1:
		return words[0]
	}
	return words[0] + " …"
}

// Refuse returns an adapter whose start fails with that reason, an error in the
// configuration.
func Refuse(reason error) supervisor.Adapter { return refused{reason} }

type refused struct{ reason error }

func (r refused) Start(context.Context) error {
	return protocol.Failuref("Runtime.ConfigError", "%s", strings.ReplaceAll(r.reason.Error(), "\n", "; "))
}

func (r refused) Invoke(ctx context.Context, _ *protocol.Event) ([]byte, error) {
	return nil, r.Start(ctx)
}

func (refused) Close(time.Duration) error { return nil }
