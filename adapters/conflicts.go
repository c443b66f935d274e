package adapters

import (
	"fmt"
	"path/filepath"

	"bootstrap/adapters/command"
)

// A Conflict is an option that does not fit the function or program that is to run.
type Conflict struct{ Option, Why string }

// Conflicts returns the options that do not fit the function or program that is to
// run. It returns none if the command or handler cannot be resolved, which the start
// reports.
func (s *Settings) Conflicts() []Conflict {
	t, err := command.Resolve(s.Command, s.Handler, s.Dir)
	if err != nil {
		return nil
	}
	return s.conflicts(t)
}

func (s *Settings) conflicts(t command.Target) (all []Conflict) {
	function := t.Function != ""
	shell := function && filepath.Ext(t.File) == ".sh"
	lasts := s.Worker || function && !shell
	it := fmt.Sprintf("%q in %s is a function", t.Function, t.File)
	for _, rule := range []struct {
		broken      bool
		option, why string
	}{
		{function && s.Worker, "ADAPTER", it + ": set BOOTSTRAP_COMMAND to the worker, or remove the option"},
		{function && s.Standby, "STANDBY", it + ", which stays loaded anyway: remove the option"},
		{function && s.Delivery != Stdin, "DELIVERY", it + ", which gets its event as an argument: remove the option"},
		{function && !shell && s.ResultFD3, "RESULT", it + ", which returns its result: remove the option"},
		{s.MaxEvents > 0 && !lasts, "WORKER_MAX_EVENTS", "it applies only to workers and to Python and Node functions: remove the option"},
		{s.MaxMemory > 0 && !lasts, "WORKER_MAX_MEMORY", "it applies only to workers and to Python and Node functions: remove the option"},
	} {
		if rule.broken {
			all = append(all, Conflict{"BOOTSTRAP_" + rule.option, rule.why})
		}
	}
	return all
}
