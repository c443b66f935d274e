package emulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// A Runner runs a program as the runtime of a Server. Like the platform, it
// runs the program in the function's folder, without stdin, and with the
// platform's environment alone. It starts an instance when an event needs one,
// and kills it after each outcome after which the platform does so. Its methods
// may be called concurrently.
type Runner struct {
	server         *Server
	command        []string
	stdout, stderr io.Writer

	grace    time.Duration            // time limit of a stop, if the platform has none
	turns    chan struct{}            // has room for one value per running event
	stopping sync.Mutex               // held while all turns are taken
	starting sync.Mutex               // held while an instance is started
	stopped  atomic.Bool              // Interrupt or Kill was called, so no more instances start
	instance atomic.Pointer[instance] // nil: none
	peak     atomic.Int64
	limits   limits
	freezer  freezer
}

// defaultGrace is the time limit of a stop if the platform documents none. It
// is a little longer than bootstrap needs by default if its log is read.
const defaultGrace = 12 * time.Second

// NewRunner returns a Runner for command, a program and its arguments. A
// relative path is relative to the function's folder. The program writes to
// stdout and stderr; if they are files, it gets the files themselves. Nothing
// else may invoke the function of s.
func NewRunner(s *Server, command []string, stdout, stderr io.Writer) *Runner {
	r := &Runner{server: s, command: command, stdout: stdout, stderr: stderr,
		grace: defaultGrace, turns: make(chan struct{}, s.fn.Concurrency), limits: newLimits(s.fn)}
	r.initFreezer()
	s.update(func(*machine, time.Time) {
		s.onFirstPoll, s.beforePost, s.afterPoll = r.noteCaller, r.noteOutOfMemory, r.notePoll
	})
	return r
}

// noteCaller finds the process of the instance that makes the calls.
func (r *Runner) noteCaller(from string) {
	address, err := netip.ParseAddrPort(from)
	r.starting.Lock() // the instance that calls may not be stored yet
	defer r.starting.Unlock()
	if i := r.instance.Load(); i != nil && err == nil {
		i.findCaller(address)
	}
}

// Invoke starts an instance if necessary, sends the event and waits for its
// outcome. The end of ctx kills the instance, unless it may serve several
// events.
func (r *Runner) Invoke(ctx context.Context, ev Event) (Outcome, error) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("cannot wait for another event: %w", context.Cause(ctx))
	}
	defer r.keepAwake()()
	inv, err := r.server.submit(ev)
	if err != nil {
		return Outcome{}, err
	}
	for {
		i := r.ensureInstance()
		if i == nil && r.stopped.Load() {
			r.server.withdraw(inv)
			return Outcome{}, ErrInterrupted
		}
		out, err := r.awaitFrom(ctx, inv, i)
		// If the instance exits before it has fetched inv, or takes too long to
		// start, a new instance serves inv, and its outcome counts.
		switch {
		case errors.Is(err, errGone):
		case errors.Is(err, errAgain) && i != nil:
			i.kill()
		default:
			r.endIfOver(i, out, err)
			return out, err
		}
		r.forget(i)
	}
}

// ErrInterrupted is the error of an Invoke whose event no instance had fetched
// when Interrupt was called.
var ErrInterrupted = errors.New("the runtime was stopped before it fetched the event")

// awaitFrom waits for the outcome of inv from i. i is nil if no instance could
// be started.
func (r *Runner) awaitFrom(ctx context.Context, inv *invocation, i *instance) (Outcome, error) {
	if i == nil {
		return r.server.await(ctx, inv, nil)
	}
	stop := r.watchMemory(i)
	out, err := r.server.await(ctx, inv, i.done)
	stop()
	out.Memory = i.memory.Load()
	return out, err
}

// ensureInstance returns the running instance or a new one. If a new one cannot
// be started, it tells the server and returns nil.
func (r *Runner) ensureInstance() *instance {
	r.starting.Lock()
	defer r.starting.Unlock()
	if i := r.instance.Load(); i != nil || r.stopped.Load() {
		return i
	}
	end := r.server.begin()
	i, err := r.start(end)
	if err != nil {
		end(RuntimeExited, err.Error())
		return nil
	}
	r.instance.Store(i)
	return i
}

// start starts an instance, in a cgroup if its memory is limited and this
// process may make one.
func (r *Runner) start(end func(kind Kind, reason string)) (*instance, error) {
	limit := r.limits.next(end)
	i, err := startInstance(r.newCommand(), r.server.Mark(), limit, r.server.fn.Start, r.exited(limit, end))
	if err == nil || limit.group == nil {
		return i, err
	}
	r.limits.giveUp(limit.group)
	limit.group = nil
	if i, again := startInstance(r.newCommand(), r.server.Mark(), limit, r.server.fn.Start, r.exited(limit, end)); again == nil {
		return i, nil
	}
	r.limits.useCgroups = true // cgroups are not the reason
	return nil, err
}

// exited returns a function that reports the exit of an instance, and discards its
// processes. The next instance starts after that, as all have the same mark.
func (r *Runner) exited(limit memoryLimit, end func(kind Kind, reason string)) func(reason string) {
	report := limit.exited(end)
	return func(reason string) {
		report(reason)
		if r.server.fn.Discard && !r.stopped.Load() {
			sweep(r.server.Mark())
		}
	}
}

func (r *Runner) newCommand() *exec.Cmd {
	cmd := exec.Command(r.command[0], r.command[1:]...)
	cmd.Dir, cmd.Env = r.server.fn.Dir, r.server.Environment()
	cmd.Stdout, cmd.Stderr = r.stdout, r.stderr
	return cmd
}

// endIfOver stops i if it must not get another event. After a failed start, i
// has time to log the reason.
func (r *Runner) endIfOver(i *instance, out Outcome, err error) {
	switch {
	case i == nil || !r.endsInstance(out, err):
		return
	case err == nil && out.Kind == InitFailed:
		i.waitOrKill(r.grace)
	default:
		i.kill()
	}
	r.forget(i)
}

// endsInstance reports whether an outcome or an error also ends the instance.
// If an instance may serve several events, a timeout of one does not end the
// others.
func (r *Runner) endsInstance(out Outcome, err error) bool {
	if r.server.fn.Concurrency > 1 && (err != nil || out.Kind == TimedOut) {
		return false
	}
	return err != nil || out.Kind.endsInstance()
}

// forget removes i, which has exited.
func (r *Runner) forget(i *instance) {
	if r.instance.CompareAndSwap(i, nil) {
		raiseTo(&r.peak, i.peak)
		r.limits.release(i.limit.group)
	}
}

// Stop waits for each running Invoke and then stops the instance. It sends SIGTERM
// to the runtime, which need not be the first process of the command, and SIGKILL to
// all processes after the platform's limit, or after 12 s if the platform documents
// none. On a platform with extensions, an instance that has registered none gets
// SIGKILL at once. If the process exits in time, its leftovers outside the group
// keep running until Clear, because stopping them is the runtime's job. Stop returns
// the state of the process, or nil if there was no instance. The next Invoke starts
// a new one.
func (r *Runner) Stop() *os.ProcessState { return r.end(r.stop) }

// stop stops i as the platform does, within limit.
func (r *Runner) stop(i *instance, limit time.Duration) {
	if r.server.platform.Register != "" && !r.server.hasExtension() {
		i.kill()
	} else {
		i.stop(limit)
	}
}

// Interrupt does the same as Stop, but does not wait for the current events:
// the runtime may still answer them. No Invoke starts an instance after
// Interrupt.
func (r *Runner) Interrupt() {
	r.stopped.Store(true)
	defer r.keepAwake()()
	if i := r.current(); i != nil {
		r.stop(i, cmp.Or(r.server.platform.StopLimit, r.grace))
	}
}

// Kill kills the instance, even during events. No Invoke starts an instance
// after Kill.
func (r *Runner) Kill() {
	r.stopped.Store(true)
	defer r.keepAwake()()
	if i := r.current(); i != nil {
		i.kill()
	}
}

// current returns the running instance, or nil. It waits for one that is being
// started.
func (r *Runner) current() *instance {
	r.starting.Lock()
	defer r.starting.Unlock()
	return r.instance.Load()
}

// Wait does the same as Stop, but sends no SIGTERM: the caller has sent it
// already, perhaps during events.
func (r *Runner) Wait() *os.ProcessState { return r.end((*instance).waitOrKill) }

// end waits for the running events and calls way to stop the instance.
func (r *Runner) end(way func(i *instance, limit time.Duration)) *os.ProcessState {
	defer r.takeAllTurns()()
	defer r.keepAwake()()
	i := r.instance.Load()
	if i == nil {
		return nil
	}
	defer r.forget(i)
	way(i, cmp.Or(r.server.platform.StopLimit, r.grace))
	return i.cmd.ProcessState
}

// takeAllTurns waits until no event is running. No event can start until
// release is called.
func (r *Runner) takeAllTurns() (release func()) {
	r.stopping.Lock()
	for range cap(r.turns) {
		r.turns <- struct{}{}
	}
	return func() {
		for range cap(r.turns) {
			<-r.turns
		}
		r.stopping.Unlock()
	}
}

// PID returns the pid of the first process of the runtime, or 0 if none runs.
func (r *Runner) PID() int {
	i := r.instance.Load()
	if i == nil {
		return 0
	}
	select {
	case <-i.done:
		return 0
	default:
		return i.pid()
	}
}

// PeakMemory returns the maximum memory of all instances so far, in bytes. It
// comes from samples of all processes every few milliseconds during events.
// When an instance has exited, the kernel's number for its largest process
// counts, too.
func (r *Runner) PeakMemory() int64 { return r.peak.Load() }
