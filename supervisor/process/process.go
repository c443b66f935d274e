// Package process owns child processes: it starts them, moves their bytes, notices
// their exit, kills what they leave behind, and reaps them.
package process

import (
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
	Path string   // path of the program; PATH is not searched
	Args []string // the first one is the name
	Env  []string
	Dir  string

	// Input is written to the stdin of the process, which is then closed. The
	// process need not read it.
	Input []byte
	// Open keeps stdin open for Give until CloseInput.
	Open bool
	// Stdin replaces the pipe for Input, if not nil.
	Stdin *os.File
	// Outputs take what the process writes to the descriptors 1, 2, …, in the
	// goroutine that calls Pump or Stop. An error of Write ends the Pump. An
	// Output that is an io.Closer is closed if its pipe ends before Stop; an
	// error of Close ends the Pump, too. Each is a pipe for the process, or a
	// terminal for a Terminal.
	Outputs []io.Writer
	// Files become the descriptors after those. Files and Stdin stay open; the
	// caller closes them.
	Files []*os.File
	// Keep leaves the rest of the process group alive when the process exits
	// before Stop.
	Keep bool
	// Owner owns the process and all that it leaves behind. Its variable is
	// added to Env.
	Owner Owner
	// Sidecar marks a process that lives as long as the runtime. When memory
	// runs out, the kernel kills it only after the command of an event. Its
	// exit may be noticed up to 50 ms late.
	Sidecar bool
}

// A Process is a child in a process group of its own. It starts once and exits
// once. The caller of Start must call one of these methods, which reap it:
//
//   - Wait lets it run to its end;
//   - Stop stops it: SIGTERM, the grace, SIGKILL;
//   - CloseAndStop first lets it exit at the end of its stdin;
//   - CloseAndKill lets it exit at the end of its stdin, without SIGTERM;
//   - StopGroup gives the grace to the whole group, not only to the process;
//   - Abandon kills only the process; the rest of its group lives on.
//
// Its methods are for one goroutine at a time.
type Process struct {
	pid       int
	exited    bool // noticed, but not yet reaped
	keepGroup bool // leave the rest of the group alive after the exit
	owner     Owner
	sidecar   bool
	input     inputPipe
	bigPipes  bool // the pipes have maxPipeSize
	peak      int  // bytes; 0 before Stop
	outputs   []outputPipe
	check     exitCheck

	flagsFiles []procfs.FlagsFile // of stdin, stdout and stderr; opened by the first call of Flags
}

// ErrExited is the error of Pump when the process has exited.
var ErrExited = errors.New("exited")

// Start starts c. An error is a *StartError.
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

// signalGroup sends sig to the process group, or only to the process if it
// could not get a group of its own.
func (p *Process) signalGroup(sig syscall.Signal) {
	if syscall.Kill(-p.pid, sig) == syscall.ESRCH {
		_ = syscall.Kill(p.pid, sig) // ESRCH: it has exited
	}
}

// Abandon kills only the process, and leaves the rest of its group alive.
func (p *Process) Abandon() {
	_ = syscall.Kill(p.pid, syscall.SIGKILL) // ESRCH: it has exited
	p.pumpFor(killTimeout)
	p.finish()
}

// Interrupt sends SIGTERM to the process, its group and its descendants outside
// the group. A shell runs its trap only once the program that it waits for has
// exited, and that program may have a session of its own. Interrupt must not be
// called after Stop.
func (p *Process) Interrupt() {
	outside := p.outsideGroup()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} { // SIGCONT wakes a stopped process
		p.signalGroup(sig)
		for _, pid := range outside {
			_ = syscall.Kill(pid, sig) // ESRCH: it has exited
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
// so that nothing else can get its pid or the id of its group.
func (p *Process) Exited() bool {
	p.exited = p.exited || processes.exited(p.pid)
	return p.exited
}

// setOOMScore makes the kernel kill the process and its descendants rather than
// the runtime when memory runs out. The command of an event is killed first, as
// its memory grows most.
func (p *Process) setOOMScore() {
	score := 1000
	if p.sidecar {
		score = 500
	}
	procfs.SetOOMScore(p.pid, score)
}

// Stop stops the process: SIGTERM, the grace, SIGKILL to the whole group;
// without a grace SIGKILL at once. It returns the exit status. If the process
// has already exited, Stop reaps it and kills the rest of its group. What the
// group has written until then still reaches the Outputs. Stop returns after at
// most one and a half times the grace, but waits 10 ms for the kernel to kill, and
// 200 ms without a grace.
func (p *Process) Stop(grace time.Duration) syscall.WaitStatus {
	exitedBefore := p.Exited()
	if grace > 0 && !exitedBefore {
		p.Interrupt()
		p.pumpFor(grace)
	}
	if !p.keepGroup || !exitedBefore {
		p.signalGroup(syscall.SIGKILL)
	}
	if !p.Exited() {
		_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have left its group
		p.pumpFor(timeToDie(grace))
	}
	return p.finish()
}

// timeToDie bounds how long the kernel takes to kill a process after a grace.
func timeToDie(grace time.Duration) time.Duration {
	if grace <= 0 {
		return killTimeout
	}
	return max(grace/2, 10*time.Millisecond)
}

// killTimeout bounds how long the kernel takes to kill a process without a grace.
const killTimeout = 200 * time.Millisecond

// finish reads the rest of the outputs, reaps the process, and returns its exit
// status.
func (p *Process) finish() syscall.WaitStatus {
	_ = p.Drain() // nobody can act on an Output's error any more
	p.closePipes()
	p.closeFlagsFiles()
	var status syscall.WaitStatus
	status, p.peak = processes.reap(p.pid)
	return status
}

// Peak returns the maximum resident memory of the process, in bytes. After its exit,
// Peak returns the maximum of the process and of each child that it has waited for.
// It is never less than the memory of the runtime, which the kernel counts as the
// first program of a child. 0 means unknown.
func (p *Process) Peak() int {
	if p.peak > 0 {
		return p.peak
	}
	return procfs.Peak(p.pid)
}

func (p *Process) pumpFor(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for ctx.Err() == nil && !p.Exited() {
		_ = p.Pump(ctx, nil) // an Output that fails does not end the wait
	}
}

// An Exit says how a process exited.
type Exit struct {
	Status syscall.WaitStatus
	Cause  error // why it was stopped: the cause of ctx, or an Output's error; nil: it exited without Stop
}

// Run runs c to its end. It stops c with the grace when ctx ends first or an
// Output fails. An error is a *StartError.
func Run(ctx context.Context, c *Command, grace time.Duration) (Exit, error) {
	p, err := Start(c)
	if err != nil {
		return Exit{}, err
	}
	return p.Wait(ctx, func() time.Duration { return grace }), nil
}

// Wait waits for the process to exit. When ctx ends first, or an Output fails,
// it calls grace and stops the process.
func (p *Process) Wait(ctx context.Context, grace func() time.Duration) Exit {
	if err := p.Pump(ctx, nil); err != ErrExited {
		return Exit{Status: p.Stop(grace()), Cause: err}
	}
	return Exit{Status: p.Stop(0)}
}

// CloseAndStop closes stdin, waits up to the grace for the process to exit, and
// then stops it as Stop does.
func (p *Process) CloseAndStop(grace time.Duration) syscall.WaitStatus {
	p.CloseInput()
	p.pumpFor(grace)
	return p.Stop(grace)
}

// CloseAndKill closes stdin, waits up to the limit for the process to exit, and kills
// it. It sends no SIGTERM.
func (p *Process) CloseAndKill(limit time.Duration) syscall.WaitStatus {
	p.CloseInput()
	p.pumpFor(limit)
	return p.Stop(0)
}

// StopGroup is Stop with the grace for the whole group: a shell exits at the
// SIGTERM, but its children may need the time.
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

// aloneInGroup reports whether no other process of the group lives. It returns
// false where the sandbox cannot tell: then the group gets the whole grace.
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
