package adapters

import (
	"slices"
	"strings"

	"bootstrap/protocol"
)

// IsVariable: it is a name that every shell takes for a variable's.
func IsVariable(name string) bool {
	const letters, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", "0123456789"
	return strings.Trim(name, letters+digits) == "" && strings.TrimLeft(name, digits) == name && name != ""
}

// parseVariables reads NAME=value lines; a value is all that follows, as it is:
// it may be a secret with any characters. Lines that are empty or begin with #
// do not count, and of several with one name only the last does: programs differ
// in which they take. An error does not quote the text, and comes with what is
// above that line.
func parseVariables(text string) (vars []string, err error) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		name, _, found := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#':
		case !found || !IsVariable(name) || strings.Contains(line, "\x00"):
			return vars, initFailure(problem("", "line %d of $BOOTSTRAP_ENV_FILE: want NAME=value, without export and without spaces before the =", number))
		default:
			vars = slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") })
			vars = append(vars, line)
		}
	}
	return vars, nil
}

// adopt makes variables part of the environment, also of our own look-ups.
func (c *Config) adopt(vars []string) {
	if len(vars) > 0 {
		c.Getenv, c.Environ = c.lookUp(vars), c.environment(vars)
	}
}

// lookUp is Getenv with those variables before it.
func (c *Config) lookUp(vars []string) func(name string) string {
	values := map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	before := c.Getenv
	return func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		return before(name)
	}
}

// learn hides what is secret in the text, also where that will be refused.
func (c *Config) learn(text string) {
	if c.Mask == nil {
		return
	}
	secret := append(protocol.SecretVariables(), c.Secrets...)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, "=")
		name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "export "))
		if slices.Contains(secret, name) {
			c.Mask.Learn(value)
		}
	}
}

// tellOfSecrets tells of Secrets that hide nothing: most likely a slip.
func (c *Config) tellOfSecrets(vars []string) {
	if c.Mask == nil {
		return
	}
	getenv := c.lookUp(vars)
	for _, name := range c.Secrets {
		value := getenv(name)
		if c.Mask.Hide(value) == value {
			c.Logger.Warn("nothing is hidden for a secret: it is not set, or has fewer than four bytes", "variable", name, "option", "BOOTSTRAP_SECRETS")
		}
	}
}

// tellOfOptions: ours have been read by now.
func (c *Config) tellOfOptions(vars []string) {
	for _, v := range vars {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "BOOTSTRAP_") {
			c.Logger.Warn("an option comes too late", "variable", name, "from", "BOOTSTRAP_INIT_COMMAND")
		}
	}
}
