package adapters

import (
	"slices"
	"strings"

	"bootstrap/internal/envfile"
	"bootstrap/protocol"
)

// parseVariables reads what the init command has written to $BOOTSTRAP_ENV_FILE.
// Of several lines with one name only the last counts: programs differ in which
// they take. An error does not quote the text, and comes with the lines that are
// right.
func parseVariables(text string) (vars []string, err error) {
	found, errs := envfile.Parse(text)
	for _, v := range found {
		vars = slices.DeleteFunc(vars, func(have string) bool { return strings.HasPrefix(have, v.Name+"=") })
		vars = append(vars, v.Name+"="+v.Value)
	}
	if len(errs) > 0 {
		return vars, initFailure(protocol.Failuref("", "line %d of $BOOTSTRAP_ENV_FILE: %v", errs[0].Line, errs[0].Err))
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
			value = strings.TrimSpace(value)
			c.Mask.Learn(value, strings.Trim(value, `'"`))
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

// tellOfOptions warns of options, which have been read by now.
func (c *Config) tellOfOptions(vars []string) {
	for _, v := range vars {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "BOOTSTRAP_") {
			c.Logger.Warn("an option comes too late", "variable", name, "from", "BOOTSTRAP_INIT_COMMAND")
		}
	}
}
