package adapters

import (
	"bootstrap/adapters/command"
	"cmp"
)

// findInterpreter finds what runs a script.
func (c *Config) findInterpreter(l *language, script string) (string, error) {
	name := cmp.Or(c.Interpreters[l.interpreter], l.interpreter)
	path, err := command.FindProgram(name, c.Dir, c.Getenv("PATH"))
	if err != nil {
		return "", problem("Runtime.NoInterpreter", "cannot load %s: %v", script, err)
	}
	return path, nil
}
