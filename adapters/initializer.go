package adapters

import (
	"strconv"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
)

// FunctionGraph's variables for a function that runs once, before the first event,
// and for its time in seconds.
const (
	initializerHandler = "RUNTIME_INITIALIZER_HANDLER"
	initializerTimeout = "RUNTIME_INITIALIZER_TIMEOUT"
)

// initializer returns the host's arguments for FunctionGraph's initializer: its
// script, its name and its time, "0" for no limit. It returns none if no initializer
// is set, or it is for another interpreter than the function.
func (fn *function) initializer(l *language) ([]string, error) {
	name := fn.initializerName()
	if name == "" {
		return nil, nil
	}
	t, err := command.Resolve("", name, fn.settings.Dir)
	switch {
	case err != nil:
		return nil, protocol.Failuref("Runtime.HandlerNotFound", "%s: %s", initializerHandler, err.(*protocol.Failure).Message)
	case t.Function == "" || languageOf(t.File).interpreter != l.interpreter:
		fn.warnOfInitializer(name)
		return nil, nil
	}
	seconds := fn.services.Getenv(initializerTimeout)
	if n, err := strconv.Atoi(seconds); err != nil || n < 0 {
		seconds = "0" // BOOTSTRAP_START_TIMEOUT is the limit
	}
	return []string{t.File, t.Function, seconds}, nil
}

func (fn *function) initializerName() string {
	if fn.settings.Platform != protocol.FunctionGraph {
		return ""
	}
	return fn.services.Getenv(initializerHandler)
}

// warnOfInitializer warns that the initializer cannot run.
func (fn *function) warnOfInitializer(name string) {
	fn.services.Logger.Warn("ignoring the initializer: it must be a Python or Node function in the language of the handler; use BOOTSTRAP_INIT_COMMAND", "initializer", name)
}
