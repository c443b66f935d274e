package adapters

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/adapters/failure"
	"bootstrap/adapters/temp"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// An Init prepares the sandbox once, before the function starts, for all slots that
// share it: it checks what the options need, and runs a command. The lines NAME=value
// that the command writes to the file $BOOTSTRAP_ENV_FILE become variables of the
// function; the secret ones are hidden. The zero value runs no command.
type Init struct {
	Command string        // as BOOTSTRAP_COMMAND; empty: none
	Began   time.Time     // when the start of the runtime began
	Timeout time.Duration // limit for the command, counted from Began; 0: no limit

	once sync.Once
	vars []string
	err  error
}

// run returns the variables. The first call checks the sandbox and runs the command,
// and the others wait for it.
func (i *Init) run(ctx context.Context, fn *function) ([]string, error) {
	i.once.Do(func() {
		fn.checkTerminal()
		if i.err = i.checkTemp(fn); i.err == nil && i.Command != "" {
			i.vars, i.err = i.start(ctx, fn)
		}
		if i.err == nil {
			fn.warnOfSecrets(i.vars)
		}
	})
	return i.vars, i.err
}

// checkTerminal logs a warning if BOOTSTRAP_PTY is set and the sandbox has no
// terminals.
func (fn *function) checkTerminal() {
	if !fn.settings.PTY {
		return
	}
	if err := process.CheckTerminal(); err != nil {
		fn.services.Logger.Warn("this sandbox has no terminals, so programs log to pipes and may buffer their output", "option", "BOOTSTRAP_PTY", "error", err)
	}
}

// checkTemp removes what earlier runs left in the temp folder. It returns an error
// if an option needs files there and none can be made.
func (i *Init) checkTemp(fn *function) error {
	if fn.settings.TempPerEvent || fn.settings.Delivery == File || i.Command != "" {
		temp.RemoveStale()
	}
	switch {
	case fn.settings.Delivery == File:
		return tryTemp(fn.services.Temp, "use BOOTSTRAP_DELIVERY=file")
	case fn.settings.TempPerEvent:
		return tryTemp(fn.services.Temp, "use BOOTSTRAP_TMPDIR_PER_EVENT")
	}
	return nil
}

// start runs the command, and returns the variables that it has written.
func (i *Init) start(ctx context.Context, fn *function) ([]string, error) {
	file, err := newEnvFile(fn.services.Temp)
	if err != nil {
		return nil, tempError("make $BOOTSTRAP_ENV_FILE", err)
	}
	defer func() { _ = fn.services.Temp.Remove(file.Name()) }() // the command may have removed it
	defer file.Close()                                          // only read
	log := fn.newStderr()
	exit, failed := i.runCommand(ctx, fn, log, "BOOTSTRAP_ENV_FILE="+file.Name())
	text, err := command.ReadRegular(file.Name()) // the command may have replaced the file
	fn.learn(string(text))                        // before anything is reported
	if failed == nil {
		failed = i.outcome(fn, exit, log)
	}
	if failed == nil && err != nil {
		failed = initFailure(fmt.Errorf("$BOOTSTRAP_ENV_FILE cannot be read: %w", err))
	}
	if failed != nil {
		return nil, failed
	}
	vars, err := parseVariables(string(text))
	fn.warnOfOptions(vars)
	return vars, err
}

// newEnvFile makes the file $BOOTSTRAP_ENV_FILE. It is in memory where the temp
// folder is not writable.
func newEnvFile(in *temp.Folder) (*os.File, error) {
	file, err := in.MakeFile()
	if err == nil {
		return file, nil
	}
	memory, failed := temp.MemoryFile()
	if failed != nil {
		return nil, err
	}
	if !command.Exists(memory.Name()) { // there is no /proc
		_ = memory.Close() // it is empty
		return nil, err
	}
	return memory, nil
}

// runCommand runs the command until it exits. It returns an error if it cannot run.
func (i *Init) runCommand(ctx context.Context, fn *function, log io.Writer, vars ...string) (process.Exit, error) {
	path, args, err := command.Find(i.Command, fn.settings.Dir, fn.services.Getenv("PATH"))
	if err != nil {
		return process.Exit{}, initFailure(err)
	}
	if i.Timeout > 0 {
		limited, cancel := context.WithDeadlineCause(ctx, i.Began.Add(i.Timeout), errNotReady)
		defer cancel()
		ctx = limited
	}
	exit, err := process.Run(ctx, &process.Command{
		Path:    path,
		Args:    args,
		Env:     fn.services.environment(vars),
		Dir:     fn.settings.Dir,
		Owner:   fn.services.Owner,
		Outputs: []io.Writer{fn.logOutput(fn.services.Stdout), fn.logOutput(log)},
	}, defaultGrace)
	if err != nil {
		err = initFailure(failure.OfStart(err))
	}
	return exit, err
}

// outcome returns an error unless the command has exited with status 0.
func (i *Init) outcome(fn *function, exit process.Exit, log *stderr) error {
	switch f := failure.Of(exit.Status, log.String()); {
	case exit.Cause == errNotReady:
		return i.tooSlow(failure.Lines(log.String()))
	case exit.Cause != nil: // the runtime stops
		return exit.Cause
	case f != nil:
		return initFailure(fn.advise(f))
	}
	return nil
}

func (i *Init) tooSlow(log []string) error {
	f := protocol.Failuref("Runtime.StartTimeout", "BOOTSTRAP_INIT_COMMAND did not finish within %v: raise BOOTSTRAP_START_TIMEOUT, or let the command do less", i.Timeout)
	f.Message, f.Stack = failure.WithLine(f.Message, log), log
	return f
}

// initFailure returns the failure of a start because of the command.
func initFailure(err error) error {
	f := &protocol.Failure{Type: "Runtime.InitCommandError", Message: "BOOTSTRAP_INIT_COMMAND: " + err.Error()}
	if cause, ok := errors.AsType[*protocol.Failure](err); ok {
		f.Message, f.Stack = "BOOTSTRAP_INIT_COMMAND: "+cause.Message, cause.Stack
	}
	return f
}
