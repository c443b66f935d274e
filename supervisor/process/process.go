package process

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// A Command says what to start and where its bytes go.
type Command struct {
	Path string   // of the program; it is not searched for
	Args []string // the name first
	Env  []string
	Dir  string

	// Input is given to it on stdin, which then ends. It need not read it.
	Input []byte
	// Open keeps its stdin open, for Give, until CloseInput.
	Open bool
	// Stdin is its stdin instead, where it is not nil.
	Stdin *os.File
	// Outputs take what it writes to the descriptors 1, 2, …, in the
	// goroutine of Pump and Stop. An error of a Write ends the Pump. One that
	// is an io.Closer is closed if its pipe ends before Stop, and its error
	// ends the Pump, too. A Terminal looks like one to it; else they are pipes.
	Outputs []io.Writer
	// Files are its next descriptors. They and Stdin stay the caller's.
	Files []*os.File
	// Keep lets those of its group live on that are left when it has
	// exited by itself.
	Keep bool
	// Owner is whose it is, and so what it leaves behind; it is added to Env.
	Owner Owner
	// Sidecar: it lives as long as we do. When the memory is full the kernel
	// ends it after the command of an event, which is the one that grows; and
	// its end may be seen a little later.
	Sidecar bool
}

// A Process is a child with a process group of its own. It starts once and
// ends once. Whoever starts one must call one of these, which reap it:
//
//   - Wait, to let it run to its end;
//   - Stop, to have it exit now: SIGTERM, the grace, SIGKILL;
//   - CloseAndStop, to let it exit at the end of its stdin first;
//   - StopGroup, to give the whole group the grace, and not only the process;
//   - Abandon, to kill the process alone and let the rest of its group live on.
//
// Its methods are for one goroutine at a time.
type Process struct {
	pid       int
	exited    bool // seen by peek, not yet reaped
	keepGroup bool // the rest of its group, once it has exited
	owner     Owner
	sidecar   bool
	input     inputPipe
	bigPipes  bool // the pipes are
	peak      int  // once it has ended
	outputs   []outputPipe
	check     exitCheck
}

// ErrExited is how Pump says that the process has exited.
var ErrExited = errors.New("exited")

// Start starts c. The error is a *StartError.
func Start(c *Command) (*Process, error) {
	p := &Process{input: inputPipe{fd: -1}, keepGroup: c.Keep, owner: c.Owner, sidecar: c.Sidecar, check: newExitCheck(c.Sidecar)}
	theirs, err := p.openPipes(c)
	if err == nil {
		p.pid, err = processes.start(c.Owner, c.Owner.environ(c.Env), func(env []string, sys *syscall.SysProcAttr) (int, error) {
			return syscall.ForkExec(c.Path, c.Args, &syscall.ProcAttr{Dir: c.Dir, Env: env, Files: theirs.fds(c), Sys: sys})
		})
	}
	theirs.close()
	if err != nil {
		p.closePipes()
		return nil, processes.startError(c.Path, err)
	}
	p.setOOMScore()
	return p, nil
}

// signalGroup sends sig to the whole group. A process that could not get a group of
// its own gets it alone.
func (p *Process) signalGroup(sig syscall.Signal) {
	if syscall.Kill(-p.pid, sig) == syscall.ESRCH {
		_ = syscall.Kill(p.pid, sig) // gone: fine
	}
}

// Abandon kills the process alone. The rest of its group lives on.
func (p *Process) Abandon() {
	_ = syscall.Kill(p.pid, syscall.SIGKILL) // it has exited: fine
	p.pumpFor(killTimeout)
	p.keepGroup = true
	p.Stop(0)
}

// Interrupt asks the process, its group and its descendants outside the group
// to exit, by SIGTERM. A shell runs its trap only when the program that it waits
// for has exited, and that may have a session of its own. It must not be called
// after Stop.
func (p *Process) Interrupt() {
	outside := p.outsideGroup()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} { // a stopped one would not see the first
		p.signalGroup(sig)
		for _, pid := range outside {
			_ = syscall.Kill(pid, sig) // gone: fine
		}
	}
}

// outsideGroup lists the descendants that have left the group.
func (p *Process) outsideGroup() []int {
	return slices.DeleteFunc(procfs.Descendants(p.pid), func(pid int) bool {
		group, err := syscall.Getpgid(pid)
		return err != nil || group == p.pid
	})
}

// Exited reports whether the process has exited. It stays a zombie until Stop,
// so that neither its pid nor its group's can be another's.
func (p *Process) Exited() bool {
	p.exited = p.exited || processes.exited(p.pid)
	return p.exited
}

// setOOMScore makes the kernel kill a child, and what that starts, rather than
// us when the memory is full: the command of an event first, which is the one
// that grows.
func (p *Process) setOOMScore() {
	score := 1000
	if p.sidecar {
		score = 500
	}
	procfs.SetOOMScore(p.pid, score)
}

// Stop ends the process and its group, and returns the status: that of its own
// exit, or SIGTERM, or, after the grace, SIGKILL. Grace zero means SIGKILL at
// once. A process that has exited already is only reaped, and the rest of its
// group killed. What the group wrote until then still reaches the Outputs.
func (p *Process) Stop(grace time.Duration) syscall.WaitStatus {
	byItself := p.Exited()
	if grace > 0 && !byItself {
		p.Interrupt()
		p.pumpFor(grace)
	}
	if !p.keepGroup || !byItself {
		p.signalGroup(syscall.SIGKILL)
	}
	if !p.Exited() {
		_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have left its group
		p.pumpFor(cmp.Or(grace/2, killTimeout))
	}
	_ = p.Drain() // it is over: nobody can act on an Output's error now
	p.closePipes()
	var status syscall.WaitStatus
	status, p.peak = processes.reap(p.pid)
	return status
}

// Peak is the most memory, in bytes, that the process has held: it alone while
// it lives, and the largest of those that it has waited for once it has ended.
// The kernel counts us as the first program of a child, so it is never less
// than ours then. 0: it is not known.
func (p *Process) Peak() int {
	if p.peak > 0 {
		return p.peak
	}
	return procfs.Peak(p.pid)
}

// killTimeout is how long the kernel may take to kill a process.
const killTimeout = 200 * time.Millisecond

func (p *Process) pumpFor(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for ctx.Err() == nil && !p.Exited() {
		_ = p.Pump(ctx, nil) // an Output that fails does not end the wait
	}
}

// An Exit says how a command ended.
type Exit struct {
	Status syscall.WaitStatus
	Cause  error // why we ended it: the cause of ctx, or an Output's error; nil: it exited by itself
}

// Run runs c to its end. When ctx ends first, or an Output fails, it is stopped
// with that grace. The error is a *StartError.
func Run(ctx context.Context, c *Command, grace time.Duration) (Exit, error) {
	p, err := Start(c)
	if err != nil {
		return Exit{}, err
	}
	return p.Wait(ctx, func() time.Duration { return grace }), nil
}

// Wait waits for the process to exit. When ctx ends first, or an Output fails,
// it stops the process, with the grace that there is then.
func (p *Process) Wait(ctx context.Context, grace func() time.Duration) Exit {
	if err := p.Pump(ctx, nil); err != ErrExited {
		return Exit{Status: p.Stop(grace()), Cause: err}
	}
	return Exit{Status: p.Stop(0)}
}

// CloseAndStop closes stdin, lets the process exit for the grace, and then stops
// it as Stop does.
func (p *Process) CloseAndStop(grace time.Duration) syscall.WaitStatus {
	p.CloseInput()
	p.pumpFor(grace)
	return p.Stop(grace)
}

// StopGroup is Stop for a whole group that may need the grace: a shell exits
// as soon as it is asked to, and what it runs does not.
func (p *Process) StopGroup(grace time.Duration) syscall.WaitStatus {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	buf := buffers.Get().(*[pipeSize]byte)
	defer buffers.Put(buf)
	p.Interrupt()
	for began := time.Now(); ctx.Err() == nil && !(p.Exited() && p.aloneInGroup()); {
		_, _ = p.pumpOnce(ctx, p.exitPause(began), buf[:]) // an Output that fails does not end the wait
	}
	return p.Stop(0)
}

// aloneInGroup reports whether no other process of its group lives. Where nobody can
// tell, the group has the whole grace.
func (p *Process) aloneInGroup() bool {
	pids, listed := procfs.Pids()
	if !listed {
		pids = processes.leftovers(p.owner)
	}
	return (listed || FindsLeftovers()) && !slices.ContainsFunc(pids, func(pid int) bool {
		group, err := syscall.Getpgid(pid)
		return err == nil && group == p.pid && pid != p.pid && (!listed || procfs.ReadStat(pid).Living())
	})
}
