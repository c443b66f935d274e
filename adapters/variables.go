package adapters

import (
	"fmt"
	"slices"
	"strings"

	"bootstrap/internal/envfile"
	"bootstrap/protocol"
)

// parseVariables reads what the init command has written to $BOOTSTRAP_ENV_FILE. If
// several lines set the same name, the last one counts, because programs disagree on
// which one wins. An error does not quote the text, and comes with the variables of
// the other lines.
func parseVariables(text string) (vars []string, err error) {
	found, errs := envfile.Parse(text)
	for _, v := range found {
		vars = slices.DeleteFunc(vars, func(have string) bool { return strings.HasPrefix(have, v.Name+"=") })
		vars = append(vars, v.Name+"="+v.Value)
	}
	if len(errs) > 0 {
		return vars, initFailure(fmt.Errorf("line %d of $BOOTSTRAP_ENV_FILE: %w", errs[0].Line, errs[0].Err))
	}
	return vars, nil
}

// learn hides the values of secrets in the text, even if the text turns out to be
// wrong.
func (fn *function) learn(text string) {
	if fn.services.Mask == nil {
		return
	}
	secret := append(protocol.SecretVariables(), fn.settings.Secrets...)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, "=")
		name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "export "))
		if slices.Contains(secret, name) {
			value = strings.TrimSpace(value)
			fn.services.Mask.Learn(value, strings.Trim(value, `'"`))
		}
	}
}

// warnOfSecrets warns of names in Secrets that hide nothing, which may be misspelt.
func (fn *function) warnOfSecrets(vars []string) {
	if fn.services.Mask == nil {
		return
	}
	getenv := fn.services.lookUp(vars)
	for _, name := range fn.settings.Secrets {
		value := getenv(name)
		if fn.services.Mask.Hide(value) == value {
			fn.services.Logger.Warn("cannot hide a secret: its variable is not set, or has fewer than four bytes", "variable", name, "option", "BOOTSTRAP_SECRETS")
		}
	}
}

// warnOfOptions warns of options among the variables, as all options have been read
// already.
func (fn *function) warnOfOptions(vars []string) {
	for _, v := range vars {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "BOOTSTRAP_") {
			fn.services.Logger.Warn("ignoring an option: options are read before the init command runs", "variable", name, "from", "BOOTSTRAP_INIT_COMMAND")
		}
	}
}
