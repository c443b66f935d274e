package adapters

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// An Init is a command that runs once, to its end, before the function starts,
// for all slots that share it. What it writes to the file $BOOTSTRAP_ENV_FILE,
// NAME=value on each line, become variables of the function, and what is secret
// of it is hidden. The zero value runs nothing.
type Init struct {
	Command string        // as BOOTSTRAP_COMMAND; empty: none
	Began   time.Time     // when the whole start has
	Timeout time.Duration // from then on, for the command to end; 0: no limit

	once sync.Once
	vars []string
	err  error
}

// run returns the variables; all but the first who ask wait for the same ones.
func (i *Init) run(ctx context.Context, c *Config) ([]string, error) {
	if i == nil {
		return nil, nil
	}
	i.once.Do(func() {
		if c.TempPerEvent || c.Delivery == File || i.Command != "" {
			removeStale()
		}
		if i.Command != "" {
			i.vars, i.err = i.start(ctx, c)
		}
		if i.err == nil {
			c.tellOfSecrets(i.vars)
		}
	})
	return i.vars, i.err
}

// tellOfSecrets tells of Secrets that hide nothing: most likely a slip.
func (c *Config) tellOfSecrets(vars []string) {
	if c.Mask == nil {
		return
	}
	known := *c
	known.adopt(vars)
	for _, name := range c.Secrets {
		value := known.Getenv(name)
		if c.Mask.Hide(value) == value {
			c.Logger.Warn("nothing is hidden for a secret: it is not set, or has fewer than four bytes", "variable", name, "option", "BOOTSTRAP_SECRETS")
		}
	}
}

func (i *Init) start(ctx context.Context, c *Config) ([]string, error) {
	file, err := os.CreateTemp("", tempPattern()+"env-")
	if err != nil {
		return nil, tempError("make $BOOTSTRAP_ENV_FILE", err)
	}
	defer os.Remove(file.Name())
	defer file.Close() // only read
	log := c.newStderr()
	exit, failed := i.toEnd(ctx, c, log, "BOOTSTRAP_ENV_FILE="+file.Name())
	text, err := ReadRegular(file.Name()) // which may be a new one of that name
	c.learn(string(text))                 // before anything is told
	if failed == nil {
		failed = i.outcome(exit, log)
	}
	if failed == nil && err != nil {
		failed = initFailure(problem("", "$BOOTSTRAP_ENV_FILE cannot be read: %v", err))
	}
	if failed != nil {
		return nil, failed
	}
	vars, err := parseVariables(string(text))
	c.tellOfOptions(vars)
	return vars, err
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

// ReadRegular reads a file that must be a regular one of a megabyte at most: the
// end of another may never come.
func ReadRegular(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() // only read
	const most = 1 << 20
	switch info, err := file.Stat(); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	case info.Size() > most:
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has %d bytes: want %d at most", info.Size(), most)}
	}
	return io.ReadAll(io.LimitReader(file, most))
}

// tellOfOptions: ours have been read by now.
func (c *Config) tellOfOptions(vars []string) {
	for _, v := range vars {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "BOOTSTRAP_") {
			c.Logger.Warn("an option comes too late", "variable", name, "from", "BOOTSTRAP_INIT_COMMAND")
		}
	}
}

// toEnd runs the command. Its error is that this cannot be done.
func (i *Init) toEnd(ctx context.Context, c *Config, log io.Writer, vars ...string) (supervisor.Exit, error) {
	path, args, err := FindCommand(i.Command, c.Dir, c.Getenv("PATH"))
	if err != nil {
		return supervisor.Exit{}, initFailure(err)
	}
	if i.Timeout > 0 {
		limited, cancel := context.WithDeadlineCause(ctx, i.Began.Add(i.Timeout), errNotReady)
		defer cancel()
		ctx = limited
	}
	exit, err := supervisor.Run(ctx, &supervisor.Command{
		Path:    path,
		Args:    args,
		Env:     c.environment(vars),
		Dir:     c.Dir,
		Owner:   c.Owner,
		Outputs: []io.Writer{c.logged(c.Stdout), c.logged(log)},
	}, usualGrace)
	if err != nil {
		err = initFailure(explain(err))
	}
	return exit, err
}

// outcome is the command's: all but exit status 0 is an error.
func (i *Init) outcome(exit supervisor.Exit, log *stderr) error {
	switch f := outcome(exit.Status, log.String()); {
	case exit.Cause == errNotReady:
		return i.tooSlow(lines(log.String()))
	case exit.Cause != nil: // told to stop
		return exit.Cause
	case f != nil:
		return initFailure(f)
	}
	return nil
}

func (i *Init) tooSlow(log []string) error {
	f := problem("Runtime.StartTimeout", "BOOTSTRAP_INIT_COMMAND did not end within the %v of the start: raise BOOTSTRAP_START_TIMEOUT, or do less in it", i.Timeout)
	f.Message, f.Stack = withLine(f.Message, log), log
	return f
}

// initFailure is a failed start because of the command.
func initFailure(err error) error {
	f := &protocol.Failure{Type: "Runtime.InitCommandError", Message: "BOOTSTRAP_INIT_COMMAND: " + err.Error()}
	if cause, ok := errors.AsType[*protocol.Failure](err); ok {
		f.Message, f.Stack = "BOOTSTRAP_INIT_COMMAND: "+cause.Message, cause.Stack
	}
	return f
}

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
	if len(vars) == 0 {
		return
	}
	values := map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	before := c.Getenv
	c.Getenv = func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		return before(name)
	}
	c.Environ = c.environment(vars)
}
