package supervisor

import (
	"io"
	"syscall"
)

const (
	usualPipe = 64 << 10
	bigPipe   = 1 << 20 // the most that an unprivileged process gets
)

// A feed is our end of a pipe that a child reads.
type feed struct {
	fd   int // -1: closed
	data []byte
}

// An output is our end of a pipe that a child writes.
type output struct {
	fd int // -1: closed
	to io.Writer
}

// ends are the child's ends of our pipes.
type ends []int

// open makes the pipes of c. The child's ends are returned also on an error,
// to be closed when it has them.
func (p *Process) open(c *Command) (theirs ends, err error) {
	big := len(c.Input) > usualPipe
	if c.Stdin == nil {
		r, w, err := pipe(big)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, r)
		p.in = feed{w, c.Input}
		p.in.prepare()
	}
	for _, to := range c.Outputs {
		r, w, err := pipe(big)
		if err != nil {
			return theirs, err
		}
		theirs = append(theirs, w)
		p.outputs = append(p.outputs, output{r, to})
		_ = syscall.SetNonblock(r, true) // a valid descriptor: cannot fail
	}
	return theirs, nil
}

// pipe makes a pipe that no child inherits by accident. A big one moves
// megabytes faster; where it is not to be had the usual size does.
func pipe(big bool) (r, w int, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	if big {
		_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fds[0]), syscall.F_SETPIPE_SZ, bigPipe)
	}
	return fds[0], fds[1], nil
}

// fds are the child's descriptors, from 0 on.
func (theirs ends) fds(c *Command) []uintptr {
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

func (theirs ends) close() {
	for _, fd := range theirs {
		_ = syscall.Close(fd)
	}
}

// prepare makes the feed ready for writing.
func (f *feed) prepare() {
	_ = syscall.SetNonblock(f.fd, true) // a valid descriptor: cannot fail
	f.write()
}

// write gives the child what the pipe takes. At the end of the data, or when
// the child does not want it, it closes the pipe.
func (f *feed) write() {
	for len(f.data) > 0 {
		n, err := syscall.Write(f.fd, f.data)
		switch {
		case err == syscall.EAGAIN:
			return
		case err == syscall.EINTR:
		case err != nil: // EPIPE: nobody reads it, which is the child's right
			f.data = nil
		default:
			f.data = f.data[n:]
		}
	}
	f.close()
}

func (f *feed) close() {
	if f.fd >= 0 {
		_ = syscall.Close(f.fd)
		f.fd, f.data = -1, nil
	}
}

// read passes on what the pipe holds, up to len(buf), and reports how much
// that was: none when it is empty, or at its end, when it is closed.
func (o *output) read(buf []byte) (int, error) {
	n, err := syscall.Read(o.fd, buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return 0, nil
	case err != nil || n == 0:
		o.close()
		return 0, nil
	}
	_, err = o.to.Write(buf[:n])
	return n, err
}

func (o *output) close() {
	if o.fd >= 0 {
		_ = syscall.Close(o.fd)
		o.fd = -1
	}
}

// drain takes what is still in the pipes, which is no more than they hold:
// somebody else may go on writing for ever. The error is an Output's.
func (p *Process) drain() (err error) {
	buf := buffers.Get().(*[usualPipe]byte)
	defer buffers.Put(buf)
	for i := range p.outputs {
		o := &p.outputs[i]
		for taken := 0; taken < bigPipe && o.fd >= 0; {
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

func (p *Process) close() {
	p.in.close()
	for i := range p.outputs {
		p.outputs[i].close()
	}
}
