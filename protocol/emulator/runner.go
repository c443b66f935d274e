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

// A Runner runs a program as the runtime of a Server, exactly as the platform
// would: only its environment, the function's folder as working directory,
// nothing on stdin. It starts an instance when an event needs one, and ends it
// after an outcome after which the platform would. All its methods may be
// called at the same time.
type Runner struct {
	server         *Server
	command        []string
	stdout, stderr io.Writer

	grace    time.Duration            // to end when asked to, where the platform has no limit for it
	turns    chan struct{}            // has room for those who may have an event in hand
	stopping sync.Mutex               // held by who takes all turns
	starting sync.Mutex               // held by who starts an instance
	instance atomic.Pointer[instance] // nil: none
	peak     atomic.Int64
}

// usualGrace is how long a runtime has to end where no platform documents a
// limit: a little more than bootstrap takes if nothing is set and its log is
// read.
const usualGrace = 12 * time.Second

// NewRunner makes a Runner for command, a program and its arguments; a
// relative path is one from the function's folder. What the program writes
// goes to stdout and stderr; a file is handed to it as it is. It must be the
// only one that invokes the function of s.
func NewRunner(s *Server, command []string, stdout, stderr io.Writer) *Runner {
	r := &Runner{server: s, command: command, stdout: stdout, stderr: stderr,
		grace: usualGrace, turns: make(chan struct{}, s.fn.Concurrency)}
	s.happen(func(*machine, time.Time) { s.called = r.called })
	return r
}

// called finds out which process of the instance makes its calls.
func (r *Runner) called(from string) {
	address, err := netip.ParseAddrPort(from)
	r.starting.Lock() // the instance that calls may not be stored yet
	defer r.starting.Unlock()
	if i := r.instance.Load(); i != nil && err == nil {
		i.calledFrom(address)
	}
}

// Invoke is that of the Server, with an instance to serve it. The end of ctx
// ends the instance too, unless it may have other events in hand.
func (r *Runner) Invoke(ctx context.Context, ev Event) (Outcome, error) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("cannot wait for another event: %w", context.Cause(ctx))
	}
	inv, err := r.server.submit(ev)
	if err != nil {
		return Outcome{}, err
	}
	for {
		i := r.ensure()
		out, err := r.try(ctx, inv, i)
		// If the instance turns out to be gone before it has fetched
		// inv, a fresh one serves it: what becomes of that is the
		// outcome.
		if !errors.Is(err, errGone) {
			r.settle(i, out, err)
			return out, err
		}
		r.forget(i)
	}
}

// try gets inv its outcome from i; nil: none could be started.
func (r *Runner) try(ctx context.Context, inv *invocation, i *instance) (Outcome, error) {
	if i == nil {
		return r.server.await(ctx, inv, nil)
	}
	defer sample(i.pid(), &r.peak)()
	return r.server.await(ctx, inv, i.done)
}

// ensure is the instance that runs, or a fresh one. Nil: it could not be
// started, and the server knows.
func (r *Runner) ensure() *instance {
	r.starting.Lock()
	defer r.starting.Unlock()
	if i := r.instance.Load(); i != nil {
		return i
	}
	cmd := exec.Command(r.command[0], r.command[1:]...)
	cmd.Dir, cmd.Env = r.server.fn.Dir, r.server.Environment()
	cmd.Stdout, cmd.Stderr = r.stdout, r.stderr
	exited := r.server.Start()
	i, err := startInstance(cmd, r.server.mark(), exited)
	if err != nil {
		exited(err.Error())
		return nil
	}
	r.instance.Store(i)
	return i
}

// settle ends i if it must not see another event. One that said that it cannot
// start may still tell why.
func (r *Runner) settle(i *instance, out Outcome, err error) {
	switch {
	case i == nil || !r.ends(out, err):
		return
	case err == nil && out.Kind == InitFailed:
		i.leave(r.grace)
	default:
		i.kill()
	}
	r.forget(i)
}

// ends: that is also the end of the instance. Where it may have other events in
// hand, they are no reason to end for each other.
func (r *Runner) ends(out Outcome, err error) bool {
	if r.server.fn.Concurrency > 1 && (err != nil || out.Kind == TimedOut) {
		return false
	}
	return err != nil || out.Kind.ends()
}

// forget: i is gone.
func (r *Runner) forget(i *instance) {
	if r.instance.CompareAndSwap(i, nil) {
		raise(&r.peak, i.peak)
	}
}

// Stop ends the instance: SIGTERM to the runtime, which may be another process
// of the command's than the first, and if that is not enough for the platform's
// limit, or for 12 s where none is documented, SIGKILL to all
// its processes. Where the platform has extensions and the instance has
// registered none, SIGKILL comes at once. What a process that ended in time has
// left behind outside its group lives on until Clear: to end that is the
// runtime's own business. Stop waits for each Invoke that runs. It returns how
// the process ended, nil if there was none. The next Invoke would start a
// fresh one.
func (r *Runner) Stop() *os.ProcessState {
	return r.end(func(i *instance, limit time.Duration) {
		if r.server.platform.Register != "" && !r.server.registered() {
			i.kill()
		} else {
			i.stop(limit)
		}
	})
}

// Wait is Stop where somebody else has sent SIGTERM, as may be while there are
// events in hand: it sends no other.
func (r *Runner) Wait() *os.ProcessState { return r.end((*instance).leave) }

// end ends the instance in a way that takes so long at most.
func (r *Runner) end(way func(i *instance, limit time.Duration)) *os.ProcessState {
	defer r.alone()()
	i := r.instance.Load()
	if i == nil {
		return nil
	}
	defer r.forget(i)
	way(i, cmp.Or(r.server.platform.StopLimit, r.grace))
	return i.cmd.ProcessState
}

// alone blocks until nobody has a turn, nor gets one until release is called.
func (r *Runner) alone() (release func()) {
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

// PID is the number of the runtime's process; 0: none runs.
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

// PeakMemory is the most that an instance has had in memory so far, with all
// its descendants, in bytes: by looking every few milliseconds while an event ran, and by
// what the kernel says of the largest process once the instance has ended.
func (r *Runner) PeakMemory() int64 { return r.peak.Load() }
