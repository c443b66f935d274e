// Package envfile reads files of variables, one NAME=value on each line.
package envfile

import (
	"errors"
	"fmt"
	"strings"
)

// A Variable is one line of a file.
type Variable struct {
	Name, Value string
	Line        int // counted from 1
}

// An Error says what is wrong with a line. It contains no value, which may be a
// secret.
type Error struct {
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

var (
	errNoVariable = errors.New("expected NAME=value, with a name of letters, digits and _")
	errOpenQuote  = errors.New("a quote is not closed on this line: expected NAME=value on one line")
	errNUL        = errors.New("a value cannot contain a NUL byte")
)

// Parse reads all lines of a text. A value runs to the end of its line, without the
// blanks around it. Quotes around the whole value are removed. Nothing is expanded.
// Only a line that begins with # is a comment. A line may begin with "export ".
func Parse(text string) (vars []Variable, errs []*Error) {
	const byteOrderMark = "\uFEFF" // some editors begin a file with it
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, byteOrderMark)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		v, err := parseLine(line)
		if err != nil {
			errs = append(errs, &Error{number, err})
			continue
		}
		v.Line = number
		vars = append(vars, v)
	}
	return vars, errs
}

func parseLine(line string) (v Variable, err error) {
	name, value, found := strings.Cut(line, "=")
	v.Name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
	if !found || !IsName(v.Name) {
		return v, errNoVariable
	}
	v.Value, err = unquote(strings.TrimSpace(value))
	if strings.Contains(v.Value, "\x00") {
		err = errNUL
	}
	return v, err
}

// unquote removes the quotes around a value. Other quotes belong to the value.
func unquote(value string) (string, error) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return value, nil
	}
	quote := value[:1]
	switch inner := value[1:]; strings.Count(inner, quote) {
	case 0:
		return "", errOpenQuote
	case 1:
		if without, ok := strings.CutSuffix(inner, quote); ok {
			return without, nil
		}
	}
	return value, nil
}

// IsName reports whether every shell accepts a name as that of a variable.
func IsName(name string) bool {
	const letters, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", "0123456789"
	return strings.Trim(name, letters+digits) == "" && strings.TrimLeft(name, digits) == name && name != ""
}
