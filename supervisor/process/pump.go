package process

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	spins             = 64                     // looks for an exit that must be near
	soon              = 50 * time.Microsecond  // between looks for one that should be
	firstLook         = time.Millisecond       // for one that nothing announces,
	lastLook          = 20 * time.Millisecond  // and of an old process,
	rareLook          = 50 * time.Millisecond  // or of a sidecar
	holderWait        = 10 * time.Millisecond  // for what an exited one has left to others to write,
	busyHolderWait    = 200 * time.Millisecond // where these want to run,
	starvedHolderWait = 2 * time.Second        // where they get no processor,
	starvedCPU        = 50 * time.Millisecond  // that is, less of it than this
)

var buffers = sync.Pool{New: func() any { return new([pipeSize]byte) }}

// Pump moves bytes until the process has exited (ErrExited), ctx ends (its
// cause), an Output fails (its error), or done, which may be nil, says so: then
// all that was written before has been passed on. Another process that holds
// one of the pipes keeps it waiting for a moment only.
//
// One poll(2) serves all pipes of the process: a goroutine for each, as in
// os/exec, costs more than starting a small program does.
func (p *Process) Pump(ctx context.Context, done func() bool) error {
	buf := buffers.Get().(*[pipeSize]byte)
	defer buffers.Put(buf)
	for began := time.Now(); ; {
		moved, err := p.pumpOnce(ctx, p.patience(began), buf[:])
		if err != nil {
			return err
		}
		switch {
		case done != nil && done():
			p.input.cloneRest()
			return p.Drain()
		case p.looks(moved) && p.Exited():
			return p.pumpRest(ctx, done, buf[:])
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

// pumpRest passes on what a process that has exited has written: an answer may be
// input it, or more than an Output takes. It waits for a moment where another holds
// an output: that may be passing on the end, as in exec > >(tee log).
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

// PumpLeftovers passes on what processes still write that the last event has left
// behind, as in exec > >(tee log), where the process itself lives on. It waits
// for a moment, and not at all where nothing is left. The error is an Output's.
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

// holders are the processes that still hold an output of one that has exited.
type holders struct {
	of     Owner
	before map[int]time.Duration // the processor time that each had used at the first look; nil: nobody has looked
}

func (p *Process) holders() *holders { return &holders{of: p.owner} }

// mayStillWrite reports whether to wait on for holders to write. On a busy machine
// they may wait long for a processor. ctx may have ended.
func (h *holders) mayStillWrite(ctx context.Context, waited time.Duration) bool {
	if waited < holderWait {
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	busy, used := processes.leftoversBusy(h.of)
	if h.before == nil {
		h.before = used
	}
	return busy && (waited < busyHolderWait || waited < starvedHolderWait && seesTimes() && h.starved(used))
}

// starved reports whether holders have hardly had a processor since the first
// look. One that has had its turn has written, or is busy with something else;
// so is one that starts others.
func (h *holders) starved(used map[int]time.Duration) bool {
	var had time.Duration
	for pid, now := range used {
		before, known := h.before[pid]
		if !known {
			return false
		}
		had += now - before
	}
	return had < starvedCPU
}

// patience is how long to wait for bytes before looking whether the process
// has exited: no descriptor tells that (a pidfd would, from Linux 5.3 on).
// Mostly its outputs end first, and it has exited microseconds later. It grows
// with the age of the process, so that a short one is not kept waiting and a
// long one costs next to nothing.
func (p *Process) patience(began time.Time) time.Duration {
	least := firstLook
	if p.outputsClosed() {
		if p.spins++; p.spins <= spins {
			return 0
		}
		least = soon
	}
	most := lastLook
	if p.sidecar {
		most = rareLook
	}
	return min(max(time.Since(began)/8, least), most)
}

// looks: it is time to look whether the process has exited. While bytes come it
// has hardly, unless they are another's. Now and then it reaps orphans, too.
func (p *Process) looks(moved bool) bool {
	now := time.Now()
	if moved && now.Sub(p.looked) < firstLook {
		return false
	}
	p.looked = now
	if now.Sub(p.reaped) > lastLook {
		p.reaped = now
		processes.reapOrphans()
	}
	return true
}

// ended: all its outputs have.
func (p *Process) outputsClosed() bool {
	for _, o := range p.outputs {
		if o.fd >= 0 {
			return false
		}
	}
	return true
}

// pumpOnce waits for some of the pipes, serves those that are ready, and reports
// whether it could read from one.
func (p *Process) pumpOnce(ctx context.Context, patience time.Duration, buf []byte) (moved bool, err error) {
	if patience == 0 {
		yield()
		return false, nil
	}
	if until, ok := ctx.Deadline(); ok {
		patience = max(0, min(patience, time.Until(until)))
	}
	fds := p.pollFds(make([]unix.PollFd, 0, 8))
	if err := poll(fds, patience); err != nil {
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

// pollFds are the feed and the outputs; poll passes over one that is -1.
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
