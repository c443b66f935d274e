package adapters

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"
)

// shell calls a function of a script that a resident shell has loaded.
type shell struct {
	fn     *function
	target command.Target
	path   string // of the shell
	name   string // bash, or sh
	source string // of the host
	host   *host  // nil: not running
	usage  supervisor.Usage
}

// Start finds the shell and has it load the script.
func (f *shell) Start(ctx context.Context) error {
	if err := f.find(); err != nil {
		return err
	}
	err := f.load(ctx)
	if err != nil {
		f.endHost() // nobody closes what has not started
	}
	return err
}

// find looks for bash, or else for what there is.
func (f *shell) find() (err error) {
	bash := languageOf(f.target.File)
	f.name, f.source = bash.interpreter, bash.host
	if f.path, err = f.fn.findInterpreter(bash, f.target.File); err == nil {
		return nil
	}
	path, none := command.FindProgram("sh", f.fn.settings.Dir, f.fn.services.Getenv("PATH"))
	if none != nil {
		return err
	}
	f.path, f.name, f.source = path, "sh", shHost
	f.fn.services.Logger.Warn("no bash here, so sh runs the script: it has no arrays, no [[ ]] and nothing else of bash's own; $1 lacks the NUL bytes of the event", "script", f.target.File)
	return nil
}

// Close runs the script's traps for the end, and ends the shell.
func (f *shell) Close(limit time.Duration) error {
	if f.host.waits() {
		f.host.stop(limit)
	}
	f.endHost()
	return nil
}

func (f *shell) endHost() {
	if f.host != nil {
		f.host.end(0) // it has no event
		f.host = nil
	}
}

// load waits until a shell has the function. It starts one unless one is loading it
// already.
func (f *shell) load(ctx context.Context) error {
	if f.host == nil || f.host.ready {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if failure := f.fn.awaitReady(ctx, &f.host.resident, "cannot load "+f.target.File, f); failure != nil {
		return failure
	}
	return nil
}

func (f *shell) greeting(ctx context.Context) (ready bool, err error) {
	f.host.greeting, err = f.host.answer(ctx)
	return err == nil && f.host.greeting == "ready", err
}

// begin starts a shell; it has loaded nothing yet.
func (f *shell) begin() error {
	f.endHost()
	h, err := startHost(&process.Command{
		Path:  f.path,
		Args:  []string{f.path, "-c", f.source, f.name, f.target.File, f.target.Function, f.resultDescriptor(), f.fn.services.Getenv("SHELLOPTS"), f.fn.services.Getenv("BASHOPTS")},
		Env:   withoutOptions(f.fn.services.Environ),
		Dir:   f.fn.settings.Dir,
		Owner: f.fn.services.Owner,
	}, f.fn)
	if err != nil {
		return explain(err)
	}
	f.host = h
	return nil
}

// withoutOptions returns an environment without the options of bash, which would
// be in force in the host: it sets them for the script.
func withoutOptions(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		return strings.HasPrefix(v, "SHELLOPTS=") || strings.HasPrefix(v, "BASHOPTS=")
	})
}

// resultDescriptor is where the function writes its result.
func (f *shell) resultDescriptor() string {
	if f.fn.settings.ResultFD3 {
		return "3"
	}
	return "1"
}

// refuse says why the script could not be loaded.
func (f *shell) refuse(err error) *protocol.Failure {
	h, file := f.host, f.target.File
	f.host = nil
	status := h.end(0)
	log := h.log.String()
	what, functions, _ := strings.Cut(h.greeting, " ")
	switch {
	case err == errNotReady:
		return notReady(file, f.fn.settings.StartTimeout)
	case err != nil && err != process.ErrExited:
		return protocol.Failuref("Runtime.InitError", "cannot load %s: %v", file, err)
	case what == "descriptors":
		return protocol.Failuref("Runtime.TooFewDescriptors", "this sandbox allows %s descriptors (RLIMIT_NOFILE), and a function in bash needs %d: raise the limit, or run the script as a program", functions, bashDescriptors)
	case what == "missing" && functions == "": // sh cannot list them
		return protocol.Failuref("Runtime.HandlerNotFound", "%s does not define the function %s", file, f.target.Function)
	case what == "missing":
		return protocol.Failuref("Runtime.HandlerNotFound", "%s does not define the function %s (it defines: %s)", file, f.target.Function, shorten(functions))
	case what == "syntax":
		return protocol.Failuref("Runtime.UserCodeSyntaxError", "%s", withLine("cannot load "+file+f.lineEnds(), lines(log)))
	default:
		return protocol.Failuref("Runtime.UserCodeExit", "%s ended the shell while it was loaded: %s", file, ending(status, log).Message)
	}
}

// bashDescriptors is how many descriptors hosts/bash.sh needs: it uses some above
// those that a script may.
const bashDescriptors = 108

// lineEnds is a hint at what breaks most scripts that come from Windows.
func (f *shell) lineEnds() string {
	if text, _ := os.ReadFile(f.target.File); bytes.Contains(text, []byte("\r\n")) {
		return ", which has Windows line ends (CRLF)"
	}
	return ""
}

// Prepare makes the shell forget the last event, and starts a new one where it
// is gone. That it has loaded the script is waited for when an event is there.
func (f *shell) Prepare() {
	switch {
	case f.host == nil:
		_ = f.begin() // Invoke tries again, and tells
	case f.host.ready:
		f.host.wipe()
	}
}

func (f *shell) stopIfDue() {}

// Usage is that of the last event; of the memory, the shell's own.
func (f *shell) Usage() supervisor.Usage {
	if f.host.isReady() {
		f.usage.Peak = f.host.process.Peak()
	}
	return f.usage
}

// Settle passes on what came since the last event.
func (f *shell) Settle() {
	if f.host.isReady() {
		f.host.settle()
	}
}

// Invoke calls the function. A shell that is gone, or out of step, is replaced
// first.
func (f *shell) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	f.usage = supervisor.Usage{}
	if !f.host.waits() {
		if err := f.load(ctx); err != nil {
			return nil, restarting(ctx, ev, err, f.target.File+" was loaded")
		}
	}
	if err := f.host.ask(ev.Body, f.given(ev)...); err != nil {
		return nil, err
	}
	return f.await(ctx, ev)
}

// given is what the host reads first: code that exports the event's variables,
// and the event for $1, which each shell takes in the way that it reads fast.
func (f *shell) given(ev *protocol.Event) (parts [][]byte) {
	given, text := exports(f.fn.variables(ev)), ev.Body
	if f.name == "bash" {
		return [][]byte{append(given, 0), text}
	}
	for _, r := range [][2]string{{"\x00", ""}, {"'", `'\''`}} { // most events need no copy
		if bytes.Contains(text, []byte(r[0])) {
			text = bytes.ReplaceAll(text, []byte(r[0]), []byte(r[1]))
		}
	}
	return [][]byte{append(given, "__bootstrap_event='"...), text, []byte("'\n")}
}

// await waits for the end of the call and tells its outcome.
func (f *shell) await(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	h := f.host
	line, err := h.answer(ctx)
	if err == nil {
		err = h.process.PumpLeftovers(ctx)
	}
	switch {
	case err == nil:
		f.rest()
		code, _ := strconv.Atoi(line)
		status := shellStatus(code)
		f.usage.Exit = process.ExitText(status)
		data, err := f.fn.answer(status, h.result.data, h.log)
		return bytes.TrimRight(data, "\n"), err // as $(…) would
	case err == process.ErrExited:
		f.host = nil
		f.fn.logStdout(h.result.data)
		return nil, f.fn.died("the resident shell", h.end(0), h.log.String())
	case h.interrupt(grace(ctx, ev)):
		f.rest()
	default:
		f.endHost()
	}
	f.fn.logStdout(h.result.data)
	return nil, cutShort(err, ev, h.result, h.log.String())
}

// rest readies the shell for the next event. Where the last one may have left
// something behind that lives on, that holds the pipes: then it can have them,
// and the next event gets a new shell.
func (f *shell) rest() {
	switch {
	case f.fn.settings.Keep && f.host.process.HasLeftovers():
		f.host.leave()
	case !f.fn.settings.Keep && !process.FindsLeftovers():
		f.host.end(0)
	default:
		return
	}
	f.host = nil
}
