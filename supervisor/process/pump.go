package process

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var buffers = sync.Pool{New: func() any { return new([pipeSize]byte) }}

// Pump moves bytes until
//
//   - the process has exited: it returns ErrExited,
//   - ctx ends: it returns the cause,
//   - an Output fails: it returns that error,
//   - done, which may be nil, returns true: it returns nil, and everything that
//     was written before has reached the Outputs.
//
// Another process that holds one of the pipes delays the return only briefly.
//
// One poll(2) serves all pipes of the process: a goroutine for each, as in
// os/exec, costs more than starting a small program does.
func (p *Process) Pump(ctx context.Context, done func() bool) error {
	buf := buffers.Get().(*[pipeSize]byte)
	defer buffers.Put(buf)
	for began := time.Now(); ; {
		moved, err := p.pumpOnce(ctx, p.exitPause(began), buf[:])
		if err != nil {
			return err
		}
		switch {
		case done != nil && done():
			p.input.cloneRest()
			return p.Drain()
		case p.checkExit(moved):
			return p.pumpRest(ctx, done, buf[:])
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

// exitPause returns how long to wait for bytes before the next exit check.
// began is when the wait for the exit has begun.
func (p *Process) exitPause(began time.Time) time.Duration {
	return p.check.pause(time.Since(began), p.outputsClosed())
}

// checkExit reports whether the process has exited, if it is time to check
// that. It reaps orphans now and then.
func (p *Process) checkExit(moved bool) bool {
	now := time.Now()
	if !p.check.begin(now, moved) {
		return false
	}
	if p.check.beginReap(now) {
		processes.reapOrphans()
	}
	return p.Exited()
}

// pumpRest moves the remaining output of a process that has exited, which may
// contain an answer, or more than an Output accepts. It waits for a moment while
// another process holds an output and may write the rest, as in exec > >(tee log).
func (p *Process) pumpRest(ctx context.Context, done func() bool, buf []byte) (err error) {
	holders := p.holders()
	for began := time.Now(); err == nil && !p.outputsClosed() && holders.mayStillWrite(ctx, time.Since(began)); {
		_, err = p.pumpOnce(context.Background(), holderWait/4, buf)
	}
	if err == nil {
		err = p.Drain()
	}
	if err == nil && (done == nil || !done()) {
		return ErrExited
	}
	return err
}

// PumpLeftovers moves output that leftovers of the last event still write, as
// in exec > >(tee log), while the process itself keeps running. It waits only
// briefly, and not at all if there are no leftovers. It returns the error of an
// Output.
func (p *Process) PumpLeftovers(ctx context.Context) error {
	buf := buffers.Get().(*[pipeSize]byte)
	defer buffers.Put(buf)
	holders := p.holders()
	for began := time.Now(); p.HasLeftovers() && holders.mayStillWrite(ctx, time.Since(began)); {
		if _, err := p.pumpOnce(context.Background(), holderWait/4, buf[:]); err != nil {
			return err
		}
	}
	return p.Drain()
}

// outputsClosed reports whether the process has closed all outputs.
func (p *Process) outputsClosed() bool {
	for _, o := range p.outputs {
		if o.fd >= 0 {
			return false
		}
	}
	return true
}

// pumpOnce waits until a pipe is ready or the pause is over, serves the pipes
// that are ready, and reports whether it read from one.
func (p *Process) pumpOnce(ctx context.Context, pause time.Duration, buf []byte) (moved bool, err error) {
	if pause == 0 {
		yield()
		return false, nil
	}
	if until, ok := ctx.Deadline(); ok {
		pause = max(0, min(pause, time.Until(until)))
	}
	fds := p.pollFds(make([]unix.PollFd, 0, 8))
	if err := poll(fds, pause); err != nil {
		return false, err
	}
	if fds[0].Revents != 0 {
		p.input.write()
	}
	for i := range p.outputs {
		if fds[i+1].Revents != 0 {
			n, err := p.outputs[i].read(buf)
			if err != nil {
				return false, err
			}
			moved = moved || n > 0
		}
	}
	return moved, nil
}

// pollFds returns stdin and the outputs for poll, which ignores a descriptor
// -1.
func (p *Process) pollFds(fds []unix.PollFd) []unix.PollFd {
	in := unix.PollFd{Fd: -1, Events: unix.POLLOUT}
	if len(p.input.data) > 0 {
		in.Fd = int32(p.input.fd)
	}
	fds = append(fds, in)
	for _, o := range p.outputs {
		fds = append(fds, unix.PollFd{Fd: int32(o.fd), Events: unix.POLLIN})
	}
	return fds
}
