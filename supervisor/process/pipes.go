package process

import (
	"bytes"
	"io"
	"syscall"
)

const (
	pipeSize    = 64 << 10
	maxPipeSize = 1 << 20 // the most that an unprivileged process gets
)

// A feed is our end of a pipe that a child reads.
type inputPipe struct {
	fd   int  // -1: closed
	open bool // stays so when all is written
	data [][]byte
}

// An output is our end of a pipe that a child writes.
type outputPipe struct {
	fd int // -1: closed
	to io.Writer
}

// childEnds are the child's ends of our pipes.
type childEnds []int

// openPipes makes the pipes of c. The child's ends are returned also on an error,
// to be closed when it has them.
func (p *Process) openPipes(c *Command) (theirs childEnds, err error) {
	big := len(c.Input) > pipeSize
	p.bigPipes = big
	if c.Stdin == nil {
		r, w, err := openPipe(big)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, r)
		p.input = inputPipe{fd: w, open: c.Open}
		setNonblock(w)
		p.Give(c.Input)
	}
	for _, to := range c.Outputs {
		r, w, err := openOutput(to, big)
		if err != nil {
			return theirs, err
		}
		theirs = append(theirs, w)
		p.outputs = append(p.outputs, outputPipe{r, to})
		setNonblock(r)
	}
	return theirs, nil
}

// openPipe makes a pipe that no child inherits by accident. A big one moves
// megabytes faster; where it is not to be had the usual size does.
func openPipe(big bool) (r, w int, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	if big {
		enlarge(fds[0])
	}
	return fds[0], fds[1], nil
}

// setNonblock is for a new descriptor, which has no other flags to keep.
func setNonblock(fd int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, syscall.O_NONBLOCK)
}

// enlarge does nothing to what is no pipe.
func enlarge(fd int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETPIPE_SZ, maxPipeSize)
}

// openOutput makes the pipe or the terminal that an output comes through. Where
// a terminal cannot be opened, as on Lambda, the output comes through a pipe.
func openOutput(to io.Writer, big bool) (r, w int, err error) {
	if _, ok := to.(Terminal); ok {
		if r, w, err = openTerminal(); err == nil {
			return r, w, nil
		}
	}
	return openPipe(big)
}

// fds are the child's descriptors, from 0 on.
func (theirs childEnds) fds(c *Command) []uintptr {
	var fds []uintptr
	if c.Stdin != nil {
		fds = append(fds, c.Stdin.Fd())
	}
	for _, fd := range theirs {
		fds = append(fds, uintptr(fd))
	}
	for _, f := range c.Files {
		fds = append(fds, f.Fd())
	}
	return fds
}

func (theirs childEnds) close() {
	for _, fd := range theirs {
		_ = syscall.Close(fd)
	}
}

// Give gives the process more on its stdin, which Command.Open has kept open.
// It does not block: Pump and Stop move what the pipe does not take yet. The
// data must not change until Pump returns.
func (p *Process) Give(data ...[]byte) {
	size := 0
	for _, d := range data {
		size += len(d)
	}
	if size > pipeSize && !p.bigPipes {
		p.enlarge()
	}
	p.input.data = append(p.input.data, data...)
	p.input.write()
}

// CloseInput ends the process's stdin, when all that was given is written.
func (p *Process) CloseInput() {
	p.input.open = false
	p.input.write()
}

// enlarge makes the pipes big ones: much that goes in mostly comes out again.
func (p *Process) enlarge() {
	p.bigPipes = true
	enlarge(p.input.fd)
	for _, o := range p.outputs {
		enlarge(o.fd)
	}
}

// write gives the child what the pipe takes. When the child does not want it,
// it closes the pipe, as at the end of the data, unless it is to stay open.
func (f *inputPipe) write() {
	for len(f.data) > 0 {
		n, err := syscall.Write(f.fd, f.data[0])
		switch {
		case err == syscall.EAGAIN:
			return
		case err == syscall.EINTR:
		case err != nil: // EPIPE: nobody reads it, which is the child's right
			f.close()
		case n == len(f.data[0]):
			f.data = f.data[1:]
		default:
			f.data[0] = f.data[0][n:]
		}
	}
	f.data = nil // hold nothing that was written
	if !f.open {
		f.close()
	}
}

// cloneRest copies what is not written yet: the giver will use its memory again.
func (f *inputPipe) cloneRest() {
	for i, data := range f.data {
		f.data[i] = bytes.Clone(data)
	}
}

func (f *inputPipe) close() {
	f.data = nil
	if f.fd >= 0 {
		_ = syscall.Close(f.fd)
		f.fd = -1
	}
}

// A Reserve is an Output that has room of its own for what is read, so that
// much of it is not copied.
type Reserve interface {
	// Room is where the next bytes shall go: its own, or spare. It is not
	// empty. Write is then called with a part of it.
	Room(spare []byte) []byte
	io.Writer
}

// read passes on what the pipe holds, up to some size, and reports how much
// that was: none when it is empty, or at its end, when it is closed.
func (o *outputPipe) read(buf []byte) (int, error) {
	if r, ok := o.to.(Reserve); ok {
		buf = r.Room(buf)
	}
	n, err := syscall.Read(o.fd, buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return 0, nil
	case err != nil || n == 0:
		o.close()
		if c, ok := o.to.(io.Closer); ok {
			return 0, c.Close()
		}
		return 0, nil
	}
	_, err = o.to.Write(buf[:n])
	return n, err
}

func (o *outputPipe) close() {
	if o.fd >= 0 {
		_ = syscall.Close(o.fd)
		o.fd = -1
	}
}

// Drain takes what is still in the pipes, which is no more than they hold:
// somebody else may go on writing for ever. It does not wait. The error is an
// Output's.
func (p *Process) Drain() (err error) {
	buf := buffers.Get().(*[pipeSize]byte)
	defer buffers.Put(buf)
	for i := range p.outputs {
		o := &p.outputs[i]
		for taken := 0; taken < maxPipeSize && o.fd >= 0; {
			n, failed := o.read(buf[:])
			if failed != nil {
				err = failed
			}
			if n == 0 {
				break
			}
			taken += n
		}
	}
	return err
}

func (p *Process) closePipes() {
	p.input.close()
	for i := range p.outputs {
		p.outputs[i].close()
	}
}
