package adapters

import (
	"context"
	"strings"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// Describe says how events will reach the command, and what that is, for the
// log: of its arguments only that there are some, as they may be secret. It
// only looks.
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

// abridged is the first of some words; not an assignment, which a shell takes.
func abridged(words []string) string {
	switch {
	case len(words) == 0 || strings.Contains(words[0], "="):
		return "…"
	case len(words) == 1:
		return words[0]
	}
	return words[0] + " …"
}

// Refuse returns an adapter that cannot be started, for that reason: a wrong
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
