package adapters

import (
	"io"
	"slices"
	"strings"

	"bootstrap/adapters/temp"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// Services are what the runtime lends to an adapter. Slots share them, except for
// the outputs and the owner.
type Services struct {
	Getenv         func(name string) string
	Environ        []string      // of the command
	Stdout, Stderr io.Writer     // receive what the command logs, as it arrives
	Logger         hclog.Logger  // for our own lines
	Owner          process.Owner // of all processes that are started
	Mask           *logs.Mask    // learns the values of secrets, and hides them; nil: nothing is hidden
	Init           *Init         // runs before the function starts; nil: no command
	Temp           *temp.Folder  // for temporary files; nil: a folder of its own
}

// environment returns the environment of the command with vars, which replace
// those of the same names.
func (s *Services) environment(vars []string) []string {
	env := make([]string, 0, len(s.Environ)+len(vars))
	for _, v := range s.Environ {
		name := v[:strings.IndexByte(v, '=')+1]
		if name == "" || !slices.ContainsFunc(vars, func(w string) bool { return strings.HasPrefix(w, name) }) {
			env = append(env, v)
		}
	}
	return append(env, vars...)
}

// adopt adds variables to the environment of the command, and to Getenv.
func (s *Services) adopt(vars []string) {
	if len(vars) > 0 {
		s.Getenv, s.Environ = s.lookUp(vars), s.environment(vars)
	}
}

// lookUp returns a Getenv that finds vars first.
func (s *Services) lookUp(vars []string) func(name string) string {
	values := map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	before := s.Getenv
	return func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		return before(name)
	}
}
