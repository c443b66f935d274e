//go:build linux

package protocol

import (
	"context"
	"os"
	"sync/atomic"
	"time"
)

// A conn is one keep-alive HTTP/1.1 connection, dialled when it is needed.
// It is not net/http's: that one retries and reuses connections by rules of
// its own, while here it matters whether a post can have arrived. It is for
// one caller at a time. Variables such as HTTP_PROXY do not touch it.
type conn struct {
	address    string
	answerTime time.Duration // from the first byte of a response to its last
	socket     *socket       // nil: not connected
	in         *slowReader   // of socket
	r          *headReader   // of in
	out        []byte        // what was written last
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
	if c.socket != nil && !c.socket.quiet() {
		c.Close()
	}
	reused := c.socket != nil
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
	if ctx.Err() != nil { // a request now might still fetch an event
		return nil, &lostError{err: context.Cause(ctx)}
	}
	resp, lost := c.roundTrip(ctx, req)
	if lost != nil || resp.close || c.r.Buffered() > 0 { // bytes that nobody asked for
		c.Close()
	}
	return resp, lost
}

func (c *conn) connect(ctx context.Context) (err error) {
	if c.socket != nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.socket, err = dial(ctx, c.address); err != nil {
		return reason(ctx, err)
	}
	c.in = &slowReader{socket: c.socket}
	c.r = newHeadReader(c.in)
	return nil
}

func (c *conn) roundTrip(ctx context.Context, req *request) (*response, *lostError) {
	release := c.socket.interruptible(ctx)
	writeErr := c.write(req)
	// Also after a failed write: a server may answer (413) and hang up
	// before it has read all.
	readErr := c.await(ctx, release)
	if readErr != nil {
		if writeErr != nil {
			readErr = writeErr
		}
		return nil, &lostError{sent: writeErr == nil, err: reason(ctx, readErr)}
	}
	c.r.spare = req.spare
	resp, err := readResponse(c.r, req.anyBody)
	c.in.limit(0)
	if err != nil {
		return nil, &lostError{sent: writeErr == nil, started: true, err: err}
	}
	resp.close = resp.close || writeErr != nil || resp.status == 408 // which may answer nothing of ours
	return resp, nil
}

// await blocks until a response begins, and then calls release. Interim ones
// (1xx) do not count: the platform may keep us waiting behind them as long as
// without. From then on the limit of answers holds.
func (c *conn) await(ctx context.Context, release func()) error {
	for {
		asked := time.Now()
		_, err := c.r.Peek(1)
		release()
		c.waited += time.Since(asked)
		c.in.limit(c.answerTime)
		if err != nil || !c.interim() {
			return err
		}
		if _, err := readHead(c.r); err != nil {
			return err
		}
		c.in.limit(0)
		release = c.socket.interruptible(ctx)
	}
}

func (c *conn) interim() bool {
	const start = "HTTP/1.1 1"
	got, _ := c.r.Peek(len(start)) // what is wrong shows when it is read
	return string(got) == start
}

// firstWrite is how much of a body is sent together with the head.
const firstWrite = 32 << 10

func (c *conn) write(req *request) error {
	n := min(len(req.body), firstWrite)
	c.out = append(req.appendHead(c.out[:0], c.address), req.body[:n]...)
	_, err := c.socket.Write(c.out)
	if err == nil && n < len(req.body) {
		_, err = c.socket.Write(req.body[n:])
	}
	return err
}

// A slowReader ends reads that take longer than its limit, which begins with
// the first that has to ask the socket: most responses come whole.
type slowReader struct {
	socket *socket
	within time.Duration // zero: no limit
	timer  *time.Timer   // nil: the limit has not begun
	slow   atomic.Bool   // it was over
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.within > 0 && r.timer == nil {
		turn := r.socket.nextTurn()
		r.timer = time.AfterFunc(r.within, func() {
			r.slow.Store(true)
			r.socket.hangUp(turn)
		})
	}
	n, err := r.socket.Read(p)
	if err != nil && r.slow.Load() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// limit is for what is read from now on.
func (r *slowReader) limit(within time.Duration) {
	if r.timer != nil {
		r.timer.Stop()
		r.socket.nextTurn() // if that was too late
	}
	r.within, r.timer = within, nil
}

// reason says why an exchange ended: that we hung up is only how the end of ctx
// reached it.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Close hangs up. The next exchange would dial again.
func (c *conn) Close() {
	if c.socket != nil {
		c.socket.Close()
		c.socket = nil
	}
}
