package protocol

import (
	"context"
	"net"
	"syscall"
	"time"
)

const connectTime = 3 * time.Second // to the runtime API, which is on this machine

// A conn is one keep-alive HTTP/1.1 connection, dialled when it is needed.
// It is not net/http's: that one retries and reuses connections by rules of
// its own, while here it matters whether a post can have arrived. It is for
// one caller at a time. Variables such as HTTP_PROXY do not touch it.
type conn struct {
	address    string
	answerTime time.Duration // from the first byte of a response to its last
	nc         net.Conn      // nil: not connected
	in         *slowReader   // of nc
	r          *headReader   // of in
	waited     time.Duration // for a response to begin, after the last request was sent
}

// A lostError says that no whole response came.
type lostError struct {
	sent    bool // the whole request was written: it may have arrived
	started bool // a part of the response came
	err     error
}

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// do makes one exchange. It blocks until the response is there; the end of
// ctx interrupts it only until the response begins. An error is a *lostError.
//
// An idle connection dies unseen when the sandbox is frozen. If a reused one
// turns out dead, do dials again and repeats the request at once.
func (c *conn) do(ctx context.Context, req *request) (*response, *lostError) {
	c.waited = 0
	if c.nc != nil && !quiet(c.nc) {
		c.Close()
	}
	reused := c.nc != nil
	resp, lost := c.exchange(ctx, req)
	if lost == nil || !reused || lost.started || ctx.Err() != nil {
		return resp, lost
	}
	resp, again := c.exchange(ctx, req)
	if again != nil {
		again.sent = again.sent || lost.sent
		return nil, again
	}
	resp.repeat = lost.sent
	return resp, nil
}

func (c *conn) exchange(ctx context.Context, req *request) (*response, *lostError) {
	if ctx.Err() != nil { // a request now might still fetch an event
		return nil, &lostError{err: context.Cause(ctx)}
	}
	if err := c.connect(ctx); err != nil {
		return nil, &lostError{err: err}
	}
	resp, lost := c.roundTrip(ctx, req)
	if lost != nil || resp.close || c.r.Buffered() > 0 { // bytes that nobody asked for
		c.Close()
	}
	return resp, lost
}

func (c *conn) connect(ctx context.Context) (err error) {
	if c.nc != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: connectTime}
	if c.nc, err = dialer.DialContext(ctx, "tcp", c.address); err != nil {
		c.nc = nil
		return err
	}
	c.in = &slowReader{nc: c.nc}
	c.r = newHeadReader(c.in)
	return nil
}

// A slowReader gives reads a deadline, from the first one on that has to wait
// for more than has come already: most responses come whole.
type slowReader struct {
	nc     net.Conn
	within time.Duration // zero: no deadline
	armed  bool
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.within > 0 && !r.armed {
		r.armed = true
		_ = r.nc.SetDeadline(time.Now().Add(r.within)) // on a closed one, the read fails
	}
	return r.nc.Read(p)
}

// limit is for what is read from now on.
func (r *slowReader) limit(within time.Duration) {
	if r.armed {
		_ = r.nc.SetDeadline(time.Time{}) // on a closed one, the next use fails
	}
	r.within, r.armed = within, false
}

// quiet: nc is open, as far as we know, and nothing was sent to us while it
// was idle. What a server says then (408, then it hangs up) is not the answer
// to the next request.
func quiet(nc net.Conn) bool {
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	var b [1]byte
	var got error
	err = raw.Read(func(fd uintptr) bool {
		_, got = syscall.Read(int(fd), b[:])
		return true
	})
	return err == nil && got == syscall.EAGAIN
}

func (c *conn) roundTrip(ctx context.Context, req *request) (*response, *lostError) {
	release := interruptible(ctx, c.nc)
	message := net.Buffers{req.head(c.address), req.body}
	_, writeErr := message.WriteTo(c.nc)
	asked := time.Now()
	// Also after a failed write: a server may answer (413) and hang up
	// before it has read all.
	readErr := await(c.r)
	c.waited += time.Since(asked)
	release()
	if readErr != nil {
		if writeErr != nil {
			readErr = writeErr
		}
		return nil, &lostError{sent: writeErr == nil, err: reason(ctx, readErr)}
	}
	c.in.limit(c.answerTime)
	resp, err := readResponse(c.r)
	c.in.limit(0)
	if err != nil {
		return nil, &lostError{sent: writeErr == nil, started: true, err: err}
	}
	resp.close = resp.close || writeErr != nil || resp.status == 408 // which may answer nothing of ours
	return resp, nil
}

// await blocks until a response begins. Interim ones (1xx) do not count: the
// platform may keep us waiting behind them as long as without.
func await(r *headReader) error {
	for {
		if _, err := r.Peek(1); err != nil {
			return err
		}
		const interim = "HTTP/1.1 1"
		if start, _ := r.Peek(len(interim)); string(start) != interim {
			return nil
		}
		if _, err := readHead(r); err != nil {
			return err
		}
	}
}

// interruptible makes the end of ctx end all reads and writes of nc, until
// release is called. They get a moment more: what has arrived by then is read.
func interruptible(ctx context.Context, nc net.Conn) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = nc.SetDeadline(time.Now().Add(10 * time.Millisecond))
		close(done)
	})
	return func() {
		if !stop() {
			<-done
			_ = nc.SetDeadline(time.Time{}) // what has begun may go on
		}
	}
}

// reason says why an exchange ended: a deadline that we set ourselves is only
// how the end of ctx reached it.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Close hangs up. The next exchange would dial again.
func (c *conn) Close() {
	if c.nc != nil {
		_ = c.nc.Close() // nothing is in flight
		c.nc = nil
	}
}
