//go:build linux

package adapters

import "cmp"

// findInterpreter finds what runs a script.
func (c *Config) findInterpreter(l *language, script string) (string, error) {
	name := cmp.Or(c.Interpreters[l.interpreter], l.interpreter)
	path, err := findProgram(name, c.Dir, c.Getenv("PATH"))
	if err != nil {
		return "", problem("Runtime.NoInterpreter", "cannot load %s: %v", script, err)
	}
	return path, nil
}
