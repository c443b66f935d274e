package process

import (
	"bytes"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	pipeSize    = 64 << 10
	maxPipeSize = 1 << 20 // the largest that an unprivileged process gets
)

// An inputPipe is our end of a pipe that a child reads.
type inputPipe struct {
	fd   int  // -1: closed
	open bool // stays open when all data is written
	data [][]byte
}

// An outputPipe is our end of a pipe that a child writes.
type outputPipe struct {
	fd int // -1: closed
	to io.Writer
}

// childEnds are the child's ends of our pipes.
type childEnds []int

// openPipes makes the pipes of c. It returns the child's ends even with an
// error; the caller must close them.
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

// openPipe makes a pipe that children do not inherit. A big pipe moves
// megabytes faster. Where that is refused the pipe has the default size.
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

// setNonblock makes a descriptor non-blocking. It clears other status flags,
// which a new descriptor does not have.
func setNonblock(fd int) {
	_, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, syscall.O_NONBLOCK)
	if errno != 0 { // the sandbox refuses it
		_ = unix.IoctlSetPointerInt(fd, fionbio, 1)
	}
}

// fionbio is the request of ioctl that makes a descriptor non-blocking. Package unix
// does not have it.
const fionbio = 0x5421

// enlarge gives a pipe maxPipeSize. It does nothing to other files.
func enlarge(fd int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETPIPE_SZ, maxPipeSize)
}

// openOutput makes the pipe or the terminal for an output. Where no terminal
// can be opened, as on Lambda, it makes a pipe.
func openOutput(to io.Writer, big bool) (r, w int, err error) {
	if _, ok := to.(Terminal); ok {
		if r, w, err = openTerminal(); err == nil {
			return r, w, nil
		}
	}
	return openPipe(big)
}

// fds returns the child's descriptors, from 0 on.
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

// Give queues data for the stdin of the process, which Command.Open has kept
// open. It does not block: Pump and Stop write what the pipe does not take at
// once. The data must not change until Pump returns nil, or the process is reaped.
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

// CloseInput closes the stdin of the process once all given data is written.
func (p *Process) CloseInput() {
	p.input.open = false
	p.input.write()
}

// enlarge makes all pipes big: a large input often has a large output.
func (p *Process) enlarge() {
	p.bigPipes = true
	enlarge(p.input.fd)
	for _, o := range p.outputs {
		enlarge(o.fd)
	}
}

// write writes as many bytes as the pipe accepts. It closes the pipe when the
// child has closed its end. It also closes it after the last byte, unless the
// pipe must stay open.
func (f *inputPipe) write() {
	for len(f.data) > 0 {
		n, err := syscall.Write(f.fd, f.data[0])
		switch {
		case err == syscall.EAGAIN:
			return
		case err == syscall.EINTR:
		case err != nil: // EPIPE: the child has closed its stdin
			f.close()
		case n == len(f.data[0]):
			f.data = f.data[1:]
		default:
			f.data[0] = f.data[0][n:]
		}
	}
	f.data = nil // release the memory
	if !f.open {
		f.close()
	}
}

// cloneRest copies unwritten data: the giver will reuse its memory.
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

// A Reserver is an Output that lends its memory to a read, so that large data
// need not be copied.
type Reserver interface {
	io.Writer
	// Reserve returns memory for the next read. It returns nil to get up to size
	// bytes by Write instead.
	Reserve(size int) []byte
	// Commit accepts the first n bytes of the memory that Reserve has returned.
	Commit(n int) error
}

// read reads once from the pipe, passes the bytes to the Output and returns
// their number. It returns 0 when the pipe is empty, and closes the pipe at its
// end.
func (o *outputPipe) read(buf []byte) (int, error) {
	reserved := o.reserve(len(buf))
	if reserved != nil {
		buf = reserved
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
	return n, o.pass(buf[:n], reserved != nil)
}

// reserve returns the memory that the Output lends; nil: none.
func (o *outputPipe) reserve(size int) []byte {
	if r, ok := o.to.(Reserver); ok {
		return r.Reserve(size)
	}
	return nil
}

// pass passes bytes to the Output, which may have reserved their memory.
func (o *outputPipe) pass(p []byte, reserved bool) error {
	if reserved {
		return o.to.(Reserver).Commit(len(p))
	}
	_, err := o.to.Write(p)
	return err
}

func (o *outputPipe) close() {
	if o.fd >= 0 {
		_ = syscall.Close(o.fd)
		o.fd = -1
	}
}

// Drain reads what is in the pipes now, and no more than they can hold, as other
// processes may continue to write. It does not block. The error is that of an
// Output.
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
