package adapters

import (
	"bytes"
	"context"
	_ "embed"
	"os"
	"strconv"
	"strings"
	"syscall"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

//go:embed hosts/bash.sh
var bashHost string

// function calls a function of a bash script that a resident shell has loaded.
type function struct {
	Config
	Target
	bash string
	host *host // nil: not running
}

// Start finds the shell and has it load the script.
func (f *function) Start(ctx context.Context) (err error) {
	if f.bash, err = findProgram("bash", f.Dir, f.Getenv("PATH")); err != nil {
		return problem("Runtime.NoInterpreter", "cannot load %s: %v", f.File, err)
	}
	return f.load(ctx)
}

// Close ends the shell.
func (f *function) Close() error {
	f.endHost()
	return nil
}

func (f *function) endHost() {
	if f.host != nil {
		f.host.end(0) // it has nothing in hand
		f.host = nil
	}
}

// load starts a shell and waits until it has the function.
func (f *function) load(ctx context.Context) error {
	f.endHost()
	h, err := startHost(&supervisor.Command{
		Path: f.bash,
		Args: []string{"bash", "-c", bashHost, "bash", f.File, f.Function, f.resultDescriptor()},
		Env:  f.Environ,
		Dir:  f.Dir,
	}, f.Platform.MaxResult, newStderr(f.Log))
	if err != nil {
		return explain(err)
	}
	line, err := h.answer(ctx)
	if err == nil && line == "ready" {
		f.host = h
		return nil
	}
	status := h.end(0)
	log := h.log.String()
	failure := problem("Runtime.InitError", "cannot load %s: %v", f.File, err)
	if err == nil || err == supervisor.ErrExited {
		failure = f.loadFailure(line, status, log)
	}
	failure.Stack = lines(log)
	return failure
}

// resultDescriptor is where the function writes its result.
func (f *function) resultDescriptor() string {
	if f.ResultFD3 {
		return "3"
	}
	return "1"
}

// loadFailure says why the script could not be loaded.
func (f *function) loadFailure(line string, status syscall.WaitStatus, log string) *protocol.Failure {
	what, functions, _ := strings.Cut(line, " ")
	switch what {
	case "missing":
		if functions == "" {
			functions = "none"
		}
		return problem("Runtime.HandlerNotFound", "%s does not define the function %s (it defines: %s)", f.File, f.Function, shorten(functions))
	case "syntax":
		return problem("Runtime.UserCodeSyntaxError", "%s", withLine("cannot load "+f.File+f.lineEnds(), lines(log)))
	default:
		return problem("Runtime.UserCodeExit", "%s ended the shell while it was loaded: %s", f.File, ending(status, log).Message)
	}
}

// lineEnds is a hint at what breaks most scripts that come from Windows.
func (f *function) lineEnds() string {
	if text, _ := os.ReadFile(f.File); bytes.Contains(text, []byte("\r\n")) {
		return ", which has Windows line ends (CRLF)"
	}
	return ""
}

// Invoke calls the function. A shell that is gone is replaced first.
func (f *function) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	if f.host == nil || f.host.process.Exited() {
		if err := f.load(ctx); err != nil {
			return nil, f.notLoaded(ctx, ev, err)
		}
	}
	if err := f.host.ask(ev.Body, f.variables(ev)); err != nil {
		return nil, err
	}
	return f.await(ctx, ev)
}

// notLoaded: the time in which a shell is replaced is the event's.
func (f *function) notLoaded(ctx context.Context, ev *protocol.Event, err error) error {
	if ctx.Err() == nil {
		return err
	}
	failure := cutShort(context.Cause(ctx), ev, nil, "")
	failure.Message += ", as " + f.File + " was loaded again"
	return failure
}

// await waits for the end of the call and tells its outcome.
func (f *function) await(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	h := f.host
	line, err := h.answer(ctx)
	switch {
	case err == nil:
		f.rest()
		code, _ := strconv.Atoi(line)
		data, err := f.answer(shellStatus(code), h.result.data, h.log)
		return bytes.TrimRight(data, "\n"), err // as $(…) would
	case err == supervisor.ErrExited:
		f.host = nil
		return nil, f.shellDied(h.end(0), h.log.String())
	case h.interrupt(grace(ctx, ev)):
		f.rest()
	default:
		f.endHost()
	}
	return nil, cutShort(err, ev, h.result, h.log.String())
}

// rest readies the shell for the next event. Where the last one left something
// behind that may live on, it holds the pipes: then it can have them.
func (f *function) rest() {
	f.host.wipe()
	if f.Keep && supervisor.LeftBehind() {
		f.host.leave()
		f.host = nil
	}
}

// shellDied is the failure of a call that ended even the resident shell.
func (f *function) shellDied(status syscall.WaitStatus, log string) *protocol.Failure {
	failure := f.failure(status, nil, log)
	if failure == nil {
		failure = ending(status, log)
	}
	failure.Message = "the resident shell ended: " + failure.Message
	return failure
}

// ending is the failure of a shell that has ended, which it must not.
func ending(status syscall.WaitStatus, log string) *protocol.Failure {
	if failure := outcome(status, log); failure != nil {
		return failure
	}
	return &protocol.Failure{Type: "Function.ExitError", Message: withLine("exit status 0", lines(log)), Stack: lines(log)}
}
