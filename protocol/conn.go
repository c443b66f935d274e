package protocol

import (
	"context"
	"net"
	"time"
)

const (
	connectTime = 3 * time.Second  // to the runtime API, which is on this machine
	answerTime  = 30 * time.Second // from the first byte of a response to its last
)

// A conn is one keep-alive HTTP/1.1 connection, dialled when it is needed.
// It is not net/http's: that one retries and reuses connections by rules of
// its own, while here it matters whether a post can have arrived. It is for
// one caller at a time. Variables such as HTTP_PROXY do not touch it.
type conn struct {
	address string
	nc      net.Conn // nil: not connected
	r       *headReader
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
	c.r = newHeadReader(c.nc)
	return nil
}

func (c *conn) roundTrip(ctx context.Context, req *request) (*response, *lostError) {
	release := interruptible(ctx, c.nc)
	message := net.Buffers{req.head(c.address), req.body}
	_, writeErr := message.WriteTo(c.nc)
	// Also after a failed write: a server may answer (413) and hang up
	// before it has read all.
	_, readErr := c.r.Peek(1)
	release()
	if readErr != nil {
		if writeErr != nil {
			readErr = writeErr
		}
		return nil, &lostError{sent: writeErr == nil, err: reason(ctx, readErr)}
	}
	began := time.Now()
	_ = c.nc.SetDeadline(began.Add(answerTime))
	resp, err := readResponse(c.r)
	if err != nil {
		return nil, &lostError{sent: writeErr == nil, started: true, err: err}
	}
	resp.began = began
	resp.close = resp.close || writeErr != nil
	_ = c.nc.SetDeadline(time.Time{})
	return resp, nil
}

// interruptible makes the end of ctx end all reads and writes of nc, until
// release is called.
func interruptible(ctx context.Context, nc net.Conn) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = nc.SetDeadline(time.Unix(1, 0)) // long past
		close(done)
	})
	return func() {
		if !stop() {
			<-done
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
