package adapters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"bootstrap/adapters/command"
	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"
)

// A worker hands events, in frames, to a resident program: a worker of the user or a
// host of ours. A program that fails in a way that leaves its state in doubt is killed
// and replaced.
type worker struct {
	fn          *function
	path        string   // of the program
	args        []string // its name first
	name        string   // for messages
	script      string   // the script that our host loads; empty if the worker is the user's own program
	sharesFlags bool     // see language.sharesFlags
	session     *session // nil if the worker is not running

	took time.Duration // the duration of the last event
	peak int           // peak memory when it was last read

	startFailure *protocol.Failure // the failure of the last start; nil if it succeeded
	failures     int               // starts that failed in a row
	nextStart    time.Time         // the earliest time of the next start
}

// A session is one process of a worker.
type session struct {
	resident
	inbox    inbox
	events   int
	children []int         // its children when it was ready
	flags    process.Flags // its flags when it was ready; only read where events can change them
}

// newModule returns a worker that calls a function of a module in its language.
func newModule(fn *function, t command.Target) (*worker, error) {
	l := languageOf(t.File)
	path, err := fn.findInterpreter(l, t.File)
	if err != nil {
		return nil, err
	}
	initializer, err := fn.initializer(l)
	return &worker{
		fn:     fn,
		path:   path,
		args:   append([]string{path, l.flag, l.start, l.host, fn.settings.LogFormat, t.File, t.Function}, initializer...),
		name:   "the host of " + filepath.Base(t.File),
		script: t.File,

		sharesFlags: l.sharesFlags,
	}, err
}

// newWorker returns a worker that runs the user's own program.
func newWorker(fn *function, args []string) (*worker, error) {
	path, err := fn.findProgram(args[0])
	return &worker{fn: fn, path: path, args: args, name: "the worker"}, err
}

func (w *worker) Start(ctx context.Context) error {
	err := w.ensureReady(ctx)
	if err != nil && w.session != nil { // the runtime stops; nobody calls Close after a failed Start
		w.end(0)
	}
	return err
}

// Close lets the worker exit. A host runs the function's exit handlers, which may
// take time.
func (w *worker) Close(limit time.Duration) error {
	limit = limit * 3 / 4 // the rest is for the kernel to kill it
	if w.script == "" {
		limit = min(retireTime, limit)
	}
	w.retire(limit)
	return nil
}

// Prepare starts a worker if there is none. The next event waits until it is
// ready.
func (w *worker) Prepare() {
	if w.session == nil && !time.Now().Before(w.nextStart) {
		_ = w.begin() // Invoke tries again and reports the error
	}
}

// stopIfDue stops a worker that must be replaced, and kills what its events left
// behind.
func (w *worker) stopIfDue() {
	if s := w.session; s != nil {
		if reason := w.replaceReason(s); reason != "" {
			w.fn.services.Logger.Info("replacing a resident program", "program", w.name, "because", reason)
			w.retire(retireTime)
		}
	}
}

// replaceReason returns why a worker must not serve another event. It is empty if it
// may.
func (w *worker) replaceReason(s *session) string {
	switch {
	case s.process.Exited():
		return "it exited"
	case s.inbox.stray:
		return "it wrote more than its answer"
	case s.inbox.closed:
		return errAnswersClosed.Error()
	case w.fn.settings.MaxEvents > 0 && s.events >= w.fn.settings.MaxEvents:
		return fmt.Sprintf("it has served %d events", s.events)
	case w.fn.settings.MaxMemory > 0 && s.events > 0 && s.process.Resident() > w.fn.settings.MaxMemory:
		return fmt.Sprintf("it holds more than %d MB", w.fn.settings.MaxMemory>>20)
	case w.script != "" && !w.fn.settings.Keep && s.ready && s.hasNewChildren():
		return "an event left processes behind"
	case w.sharesFlags && s.ready && s.process.Flags() != s.flags:
		return "an event changed the flags of stdin, stdout or stderr"
	case s.events%zombiesEvery == 0 && s.process.Zombies() >= maxZombies:
		return "it does not wait for its children, which then count against the process limit"
	}
	return ""
}

// maxZombies is how many zombies a worker may leave before it is replaced. Counting
// them takes as long as a short event, so it is done once in zombiesEvery events.
const (
	maxZombies   = 64
	zombiesEvery = 16
)

// hasNewChildren reports whether the worker has living children that it did not have
// when it was ready.
func (s *session) hasNewChildren() bool {
	return slices.ContainsFunc(s.process.LivingChildren(), func(pid int) bool { return !slices.Contains(s.children, pid) })
}

// await waits for a whole frame. If a worker has closed the descriptor for its
// answers, await gives it a moment to exit, because its exit status explains
// more.
func (s *session) await(ctx context.Context) error {
	err := s.process.Pump(ctx, s.inbox.complete)
	if err == errAnswersClosed {
		soon, cancel := context.WithTimeout(ctx, exitTime)
		defer cancel()
		if s.process.Pump(soon, nil) == process.ErrExited {
			return process.ErrExited
		}
	}
	return err
}

// exitTime is how long a killed process may take, on a busy machine, to exit after
// its descriptors are closed.
const exitTime = 500 * time.Millisecond

// Usage returns the usage of the last event. After a short event, which cannot use
// much memory, it returns the peak of an earlier one, because asking the kernel
// would take as long as the event itself.
func (w *worker) Usage() supervisor.Usage {
	if s := w.session; s != nil && (w.peak == 0 || w.took > time.Millisecond) {
		w.peak = s.process.Peak()
	}
	return supervisor.Usage{Peak: w.peak}
}

func (w *worker) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	defer func() { w.took = time.Since(ev.Received) }()
	if s := w.session; s != nil && s.ready && (s.inbox.stray || s.inbox.closed) {
		w.end(0)
	}
	if err := w.ensureReady(ctx); err != nil {
		w.fn.services.Logger.Warn("no resident program is ready for an event", "program", w.name, "request_id", ev.ID, "error", err, "starts_failed", w.failures)
		return nil, restarting(ctx, ev, err, w.name+" was starting")
	}
	s := w.session
	s.inbox.reset()
	s.events++
	s.process.Give(eventFrame(ev, w.fn.variables(ev))...)
	err := s.await(ctx)
	if err == nil && s.inbox.ID != ev.ID {
		err = &frameError{fmt.Sprintf("it answered the event %s, not %q", excerpt(w.fn.services.Mask, []byte(s.inbox.ID)), ev.ID)}
	}
	if err == nil {
		return w.answered(s)
	}
	return nil, w.eventFailure(err, s, ev, w.end(grace(ctx, ev)))
}

// Settle logs what the worker has written since the last event.
func (w *worker) Settle() {
	if s := w.session; s != nil && s.ready {
		_ = s.process.Drain() // the inbox notes bytes that are not a frame
		s.log.Reset()
	}
}

// answered returns the outcome that a whole frame reports.
func (w *worker) answered(s *session) ([]byte, error) {
	failed, body := s.inbox.Error, &s.inbox.body
	switch {
	case failed != nil:
		return nil, w.fn.advise(&protocol.Failure{Type: cmp.Or(failed.Type, "Function.Error"), Message: failed.Message, Stack: failed.Stack})
	case body.over > 0:
		f := protocol.Failuref("Function.ResponseSizeTooLarge", "the result is too large: it has %d bytes; the platform accepts at most %d", s.inbox.Length, body.max)
		f.Stack = failure.Lines(s.log.String())
		return nil, f
	case w.fn.settings.FailOnStderr && s.log.Total > 0:
		return nil, w.fn.advise(failure.Stderr(s.log.String()))
	}
	return body.data, nil
}

// eventFailure returns the failure of an event after which the worker was stopped.
func (w *worker) eventFailure(err error, s *session, ev *protocol.Event, status syscall.WaitStatus) *protocol.Failure {
	log := s.log.String()
	bad, garbage := errors.AsType[*frameError](err)
	var f *protocol.Failure
	switch {
	case garbage:
		return &protocol.Failure{Type: "Function.BadFrame", Message: w.name + ": " + bad.text, Stack: failure.Lines(log)}
	case err == process.ErrExited:
		f = w.fn.exitFailure(w.name, status, log)
	case err == errAnswersClosed:
		f = &protocol.Failure{Type: "Function.BadFrame", Message: w.name + ": " + err.Error(), Stack: failure.Lines(log)}
	default:
		f = stopFailure(err, ev, &s.inbox.body, log)
	}
	if partial := s.inbox.partial(); partial != "" {
		f.Message += " (after " + partial + ")"
	}
	return f
}

// retire lets a worker without an event exit, and kills it at the limit. After half
// of that time a worker gets SIGTERM. A host does not: at the end of its stdin it runs
// the function's handlers of SIGTERM itself, and they must run only once.
func (w *worker) retire(limit time.Duration) {
	switch s := w.session; {
	case s == nil:
		return
	case w.script != "" && s.ready:
		s.process.CloseAndKill(limit)
	default:
		s.process.CloseAndStop(limit / 2)
	}
	w.clear(w.session)
}

// clear kills the processes that a worker left behind when it exited, because no
// process of an event may survive into the next one.
func (w *worker) clear(s *session) {
	w.session = nil
	if !w.fn.settings.Keep {
		s.process.KillLeftovers()
	}
}

// retireTime is how long a worker that is replaced may take to exit.
const retireTime = 400 * time.Millisecond

// end stops the worker and its process group.
func (w *worker) end(grace time.Duration) syscall.WaitStatus {
	s := w.session
	status := s.process.Stop(grace)
	w.clear(s)
	return status
}
