//go:build linux

package protocol

import (
	"cmp"
	"context"
	"os"
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
	limited    *slowReader   // of socket
	reader     *headReader   // of in
	written    []byte        // what was written last
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

// do makes one exchange. It blocks until the response is there, or ctx ends. A
// response that has begun then has the grace of the request to come in whole. An
// error is a *lostError.
//
// An idle connection dies unseen when the sandbox is frozen. If a reused one
// turns out dead, do dials again and repeats the request at once.
func (c *conn) do(ctx context.Context, req *request) (*response, *lostError) {
	c.waited = 0
	if c.socket != nil && !c.socket.isIdle() {
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
	if lost != nil || resp.close || c.reader.Buffered() > 0 { // bytes that nobody asked for
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
	c.limited = &slowReader{socket: c.socket}
	c.reader = newHeadReader(c.limited)
	return nil
}

func (c *conn) roundTrip(ctx context.Context, req *request) (*response, *lostError) {
	release := c.socket.interruptible(ctx)
	writeErr := c.write(req)
	// Also after a failed write: a server may answer (413) and hang up
	// before it has read all.
	readErr := c.await(ctx, req.grace, release)
	if readErr != nil {
		if writeErr != nil {
			readErr = writeErr
		}
		return nil, &lostError{sent: writeErr == nil, err: reason(ctx, readErr)}
	}
	c.reader.spare = req.spare
	resp, err := readResponse(c.reader, req.statusSuffices)
	c.limited.lift()
	if err != nil {
		return nil, &lostError{sent: writeErr == nil, started: true, err: err}
	}
	resp.close = resp.close || writeErr != nil || resp.status == 408 // which may answer nothing of ours
	return resp, nil
}

// await blocks until a response begins, and then calls release. Interim ones
// (1xx) do not count: the platform may keep us waiting behind them as long as
// without. From then on the limit of answers holds.
func (c *conn) await(ctx context.Context, grace time.Duration, release func()) error {
	for {
		asked := time.Now()
		_, err := c.reader.Peek(1)
		release()
		c.waited += time.Since(asked)
		c.limited.limit(func() (over func() error) { return c.limitAnswer(ctx, grace) })
		if err != nil || !c.interim() {
			return err
		}
		if _, err := readHead(c.reader); err != nil {
			return err
		}
		c.limited.lift()
		if ctx.Err() != nil { // nobody waits for what may come behind it
			return context.Cause(ctx)
		}
		release = c.socket.interruptible(ctx)
	}
}

// limitAnswer makes reads end when a response that has begun takes longer than
// answerTime, or than the grace after the end of ctx, until over is called. That
// returns why they ended; nil: they did not.
func (c *conn) limitAnswer(ctx context.Context, grace time.Duration) (over func() error) {
	limited, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	slow := time.AfterFunc(c.answerTime, func() { cancel(os.ErrDeadlineExceeded) })
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	release := c.socket.interruptible(limited)
	return func() error {
		cause := context.Cause(limited)
		release()
		slow.Stop()
		stop()
		cancel(nil)
		return cause
	}
}

func (c *conn) interim() bool {
	const start = "HTTP/1.1 1"
	got, _ := c.reader.Peek(len(start)) // what is wrong shows when it is read
	return string(got) == start
}

// firstWrite is how much of a body is sent together with the head.
const firstWrite = 32 << 10

func (c *conn) write(req *request) error {
	n := min(len(req.body), firstWrite)
	c.written = append(req.appendHead(c.written[:0], c.address), req.body[:n]...)
	_, err := c.socket.Write(c.written)
	if err == nil && n < len(req.body) {
		_, err = c.socket.Write(req.body[n:])
	}
	return err
}

// A slowReader ends reads that take too long. Their limit begins with the first
// read that has to ask the socket: most responses come whole.
type slowReader struct {
	socket *socket
	begin  func() (over func() error) // nil: no limit, or it has begun
	over   func() error               // nil: it has not begun
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.begin != nil {
		r.over, r.begin = r.begin(), nil
	}
	n, err := r.socket.Read(p)
	if err != nil && r.over != nil {
		err = cmp.Or(r.over(), err)
		r.over = nil
	}
	return n, err
}

// limit is for what is read from now on; begin starts it.
func (r *slowReader) limit(begin func() (over func() error)) {
	r.lift()
	r.begin = begin
}

// lift ends the limit.
func (r *slowReader) lift() {
	if r.over != nil {
		_ = r.over() // the reads have not failed
	}
	r.begin, r.over = nil, nil
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
