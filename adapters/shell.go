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
	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"
)

// A shell calls a function of a script in a resident shell.
type shell struct {
	fn     *function
	target command.Target
	path   string // of the shell
	name   string // bash, or sh
	source string // of the host
	host   *host  // nil: not running
	usage  supervisor.Usage
}

// Start finds the shell and loads the script.
func (s *shell) Start(ctx context.Context) error {
	if err := s.find(); err != nil {
		return err
	}
	err := s.load(ctx)
	if err != nil {
		s.stopHost() // nobody calls Close after a failed Start
	}
	return err
}

// find looks for bash, or else for sh.
func (s *shell) find() (err error) {
	bash := languageOf(s.target.File)
	s.name, s.source = bash.interpreter, bash.host
	if s.path, err = s.fn.findInterpreter(bash, s.target.File); err == nil {
		return nil
	}
	path, none := s.fn.findProgram("sh")
	if none != nil {
		return err
	}
	s.path, s.name, s.source = path, "sh", shHost
	s.fn.services.Logger.Warn("cannot use bash, so sh runs the script: arrays, [[ ]] and other features of bash do not work, and $1 lacks the NUL bytes of the event", "script", s.target.File, "error", err)
	return nil
}

// Close runs the script's EXIT and TERM traps, and stops the shell.
func (s *shell) Close(limit time.Duration) error {
	if s.host.waits() {
		s.host.stop(limit)
	}
	s.stopHost()
	return nil
}

func (s *shell) stopHost() {
	if s.host != nil {
		s.host.end(0) // no event is running
		s.host = nil
	}
}

// load waits until a shell has the function. It starts one unless one is loading it
// already.
func (s *shell) load(ctx context.Context) error {
	if s.host == nil || s.host.ready {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if failed := s.fn.awaitReady(ctx, &s.host.resident, "cannot load "+s.target.File, s); failed != nil {
		return failed
	}
	return nil
}

func (s *shell) greeting(ctx context.Context) (ready bool, err error) {
	s.host.greeting, err = s.host.answer(ctx)
	return err == nil && s.host.greeting == "ready", err
}

// begin starts a shell that still has to load the script.
func (s *shell) begin() error {
	s.stopHost()
	h, err := startHost(&process.Command{
		Path:  s.path,
		Args:  []string{s.path, "-c", s.source, s.name, s.target.File, s.target.Function, s.resultDescriptor(), s.fn.services.Getenv("SHELLOPTS"), s.fn.services.Getenv("BASHOPTS")},
		Env:   withoutOptions(s.fn.services.Environ),
		Dir:   s.fn.settings.Dir,
		Owner: s.fn.services.Owner,
	}, s.fn)
	if err != nil {
		return failure.OfStart(err)
	}
	s.host = h
	return nil
}

// withoutOptions returns an environment without bash's options, which would
// otherwise apply to the host itself. The host sets them for the script.
func withoutOptions(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		return strings.HasPrefix(v, "SHELLOPTS=") || strings.HasPrefix(v, "BASHOPTS=")
	})
}

// resultDescriptor returns the descriptor of the function's result.
func (s *shell) resultDescriptor() string {
	if s.fn.settings.ResultFD3 {
		return "3"
	}
	return "1"
}

// refuse stops the shell, and returns why the script could not be loaded.
func (s *shell) refuse(err error) *protocol.Failure {
	h, file := s.host, s.target.File
	s.host = nil
	status := h.end(0)
	log := h.log.String()
	what, detail, _ := strings.Cut(h.greeting, " ")
	switch {
	case err == errNotReady:
		return notReady(file, s.fn.settings.StartTimeout)
	case err != nil && err != process.ErrExited:
		return protocol.Failuref("Runtime.InitError", "cannot load %s: %v", file, err)
	case what == "descriptors":
		return protocol.Failuref("Runtime.TooFewDescriptors", "this sandbox allows %s descriptors (RLIMIT_NOFILE), and a function in bash needs %d: raise the limit, or run the script as a program", detail, bashDescriptors)
	case what == "missing" && detail == "": // sh cannot list them
		return protocol.Failuref("Runtime.HandlerNotFound", "%s does not define the function %s", file, s.target.Function)
	case what == "missing":
		return protocol.Failuref("Runtime.HandlerNotFound", "%s does not define the function %s (it defines: %s)", file, s.target.Function, failure.Shorten(detail))
	case what == "syntax":
		return protocol.Failuref("Runtime.UserCodeSyntaxError", "%s", failure.WithLine("cannot load "+file+s.lineEnds(), failure.Lines(log)))
	default:
		return protocol.Failuref("Runtime.UserCodeExit", "%s exited while it was being loaded: %s", file, failure.OfResident(status, log).Message)
	}
}

// bashDescriptors is how many descriptors hosts/bash.sh needs: it uses some above
// those that a script may use.
const bashDescriptors = 108

// lineEnds returns a hint if the script has Windows line ends, which break it.
func (s *shell) lineEnds() string {
	if text, _ := os.ReadFile(s.target.File); bytes.Contains(text, []byte("\r\n")) {
		return ", which has Windows line ends (CRLF)"
	}
	return ""
}

// Prepare makes the shell forget the last event, or starts a shell if there is none.
// The next event waits until it is ready.
func (s *shell) Prepare() {
	switch {
	case s.host == nil:
		_ = s.begin() // Invoke tries again and reports the error
	case s.host.ready:
		s.host.forget()
	}
}

func (s *shell) stopIfDue() {}

// Usage returns the usage of the last event. Its memory is the memory of the
// shell itself.
func (s *shell) Usage() supervisor.Usage {
	if s.host.isReady() {
		s.usage.Peak = s.host.process.Peak()
	}
	return s.usage
}

// Settle logs what the shell has written since the last event.
func (s *shell) Settle() {
	if s.host.isReady() {
		s.host.settle()
	}
}

// Invoke calls the function. It replaces a shell that has exited, or that does not
// wait for an event.
func (s *shell) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	s.usage = supervisor.Usage{}
	if !s.host.waits() {
		if err := s.load(ctx); err != nil {
			return nil, restarting(ctx, ev, err, s.target.File+" was being loaded")
		}
	}
	if err := s.host.ask(ev.Body, s.preamble(ev)...); err != nil {
		return nil, err
	}
	return s.await(ctx, ev)
}

// preamble returns what the host reads first: code that exports the event's
// variables, and the event for $1, each in the form that this shell reads fastest.
func (s *shell) preamble(ev *protocol.Event) (parts [][]byte) {
	code, text := exports(s.fn.variables(ev)), ev.Body
	if s.name == "bash" {
		return [][]byte{append(code, 0), text}
	}
	for _, r := range [][2]string{{"\x00", ""}, {"'", `'\''`}} { // most events need no copy
		if bytes.Contains(text, []byte(r[0])) {
			text = bytes.ReplaceAll(text, []byte(r[0]), []byte(r[1]))
		}
	}
	return [][]byte{append(code, "__bootstrap_event='"...), text, []byte("'\n")}
}

// await waits until the function returns, and returns its outcome.
func (s *shell) await(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	h := s.host
	line, err := h.answer(ctx)
	returned := err == nil
	if returned {
		err = h.process.PumpLeftovers(ctx)
	}
	switch {
	case err == nil:
		return s.returned(h, line)
	case err == process.ErrExited:
		s.host = nil
		s.fn.logStdout(h.result.data)
		return nil, s.fn.exitFailure("the resident shell", h.end(0), h.log.String())
	case returned || h.interrupt(grace(ctx, ev)):
		s.afterEvent()
	default:
		s.stopHost()
	}
	s.fn.logStdout(h.result.data)
	return nil, stopFailure(err, ev, h.result, h.log.String())
}

// returned returns the outcome of a function that has returned. The line has its
// exit status, unless the script has written to the host's descriptor: then the
// shell may be out of step, and is stopped.
func (s *shell) returned(h *host, line string) ([]byte, error) {
	code, err := strconv.Atoi(line)
	if err != nil {
		s.stopHost()
		s.fn.logStdout(h.result.data)
		said := excerpt(s.fn.services.Mask, []byte(line))
		return nil, &protocol.Failure{Type: "Function.BadFrame", Message: "the script wrote " + said + " to the descriptor on which the resident shell reports exit statuses", Stack: failure.Lines(h.log.String())}
	}
	s.afterEvent()
	status := failure.ShellStatus(code)
	s.usage.Exit = process.ExitText(status)
	data, err := s.fn.outcome(status, h.result.data, h.log)
	return bytes.TrimRight(data, "\n"), err // as $(…) would
}

// afterEvent gives up the shell if processes of the last event may live on: they
// hold its pipes, so the next event gets a new shell.
func (s *shell) afterEvent() {
	switch {
	case s.fn.settings.Keep && s.host.process.HasLeftovers():
		s.host.abandon()
	case !s.fn.settings.Keep && !process.FindsLeftovers():
		s.host.end(0)
	default:
		return
	}
	s.host = nil
}
