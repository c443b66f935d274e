//go:build linux

// Package http1 is an HTTP/1.1 client for servers on this machine. It is much smaller than
// net/http, and says whether a request can have arrived.
package http1

import (
	"cmp"
	"context"
	"os"
	"time"

	"bootstrap/internal/dial"
)

// A Conn is one keep-alive HTTP/1.1 connection, dialled when it is needed. It does
// not use net/http, which retries and reuses connections by its own rules, while
// our callers must know whether a post can have arrived. Only one goroutine may use
// it at a time. Variables such as HTTP_PROXY have no effect.
type Conn struct {
	Address    string        // host:port
	AnswerTime time.Duration // from the first byte of a response to its last
	socket     *dial.Conn    // nil if not connected
	connected  bool          // it was connected at least once
	limited    *slowReader   // reads from socket
	reader     *headReader   // reads from limited
	written    []byte        // the buffer of the last request
	waited     time.Duration
}

// A LostError reports that no complete response arrived.
type LostError struct {
	Sent    bool // the whole request was written, so it may have arrived
	started bool // a part of the response arrived
	err     error
}

func (e *LostError) Error() string { return e.err.Error() }
func (e *LostError) Unwrap() error { return e.err }

// Do sends one request and reads its response. It blocks until the response is
// complete or ctx ends. A response that has begun by then may take up to the grace
// of the request. An error is a *LostError.
//
// An idle connection may break without notice while the sandbox is frozen. If a
// reused connection turns out to be broken, Do dials again and repeats the request
// at once.
func (c *Conn) Do(ctx context.Context, req *Request) (*Response, *LostError) {
	c.waited = 0
	if c.socket != nil && !c.socket.IsIdle() {
		c.Close()
	}
	reused := c.socket != nil
	resp, lost := c.exchange(ctx, req)
	if lost == nil || !reused || lost.started || ctx.Err() != nil {
		return resp, lost
	}
	resp, again := c.exchange(ctx, req)
	if again != nil {
		again.Sent = again.Sent || lost.Sent
		return nil, again
	}
	resp.Repeat = lost.Sent
	return resp, nil
}

// Waited returns the time from the end of the last request to the first byte of its
// response.
func (c *Conn) Waited() time.Duration { return c.waited }

// WasConnected reports whether the connection was made at least once.
func (c *Conn) WasConnected() bool { return c.connected }

func (c *Conn) exchange(ctx context.Context, req *Request) (*Response, *LostError) {
	if err := c.connect(ctx); err != nil {
		return nil, &LostError{err: reason(ctx, err)}
	}
	if ctx.Err() != nil { // a request now might still fetch an event
		return nil, &LostError{err: context.Cause(ctx)}
	}
	resp, lost := c.roundTrip(ctx, req)
	if lost != nil || resp.close || c.reader.Buffered() > 0 { // bytes after the response
		c.Close()
	}
	return resp, lost
}

// connect connects, unless c is connected.
func (c *Conn) connect(ctx context.Context) (err error) {
	if c.socket != nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.socket, err = dial.TCP(ctx, c.Address); err != nil {
		return err
	}
	c.connected = true
	c.limited = &slowReader{socket: c.socket}
	c.reader = newHeadReader(c.limited)
	return nil
}

func (c *Conn) roundTrip(ctx context.Context, req *Request) (*Response, *LostError) {
	release := c.socket.Interruptible(ctx)
	writeErr := c.write(req)
	// Read even after a failed write: a server may answer (413) and hang up before
	// it has read the whole request.
	readErr := c.await(ctx, req.Grace, release)
	if readErr != nil {
		if writeErr != nil {
			readErr = writeErr
		}
		return nil, &LostError{Sent: writeErr == nil, err: reason(ctx, readErr)}
	}
	c.reader.memory = req.Memory
	resp, err := readResponse(c.reader, req.StatusSuffices)
	c.limited.lift()
	if err != nil {
		return nil, &LostError{Sent: writeErr == nil, started: true, err: err}
	}
	resp.close = resp.close || writeErr != nil || resp.Status == 408 // a 408 may not belong to our request
	return resp, nil
}

// await blocks until a response begins, and then calls release. After that the rest
// of the response is limited, see limitAnswer. Interim responses (1xx) do not count,
// as the platform may wait after them as long as without them.
func (c *Conn) await(ctx context.Context, grace time.Duration, release func()) error {
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
		if ctx.Err() != nil { // do not wait for the final response
			return context.Cause(ctx)
		}
		release = c.socket.Interruptible(ctx)
	}
}

// limitAnswer interrupts reads when a response that has begun takes longer than
// AnswerTime, or longer than the grace after the end of ctx. Its result ends the
// limit, and returns why reads were interrupted, or nil.
func (c *Conn) limitAnswer(ctx context.Context, grace time.Duration) (over func() error) {
	limited, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	slow := time.AfterFunc(c.AnswerTime, func() { cancel(os.ErrDeadlineExceeded) })
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	release := c.socket.Interruptible(limited)
	return func() error {
		cause := context.Cause(limited)
		release()
		slow.Stop()
		stop()
		cancel(nil)
		return cause
	}
}

func (c *Conn) interim() bool {
	const start = "HTTP/1.1 1"
	got, _ := c.reader.Peek(len(start)) // readHead reports an error
	return string(got) == start
}

// firstWrite is how many bytes of a body are sent together with the head.
const firstWrite = 32 << 10

func (c *Conn) write(req *Request) error {
	n := min(len(req.Body), firstWrite)
	c.written = append(req.appendHead(c.written[:0], c.Address), req.Body[:n]...)
	_, err := c.socket.Write(c.written)
	if err == nil && n < len(req.Body) {
		_, err = c.socket.Write(req.Body[n:])
	}
	return err
}

// A slowReader interrupts reads that take too long. The limit begins with the first
// read from the socket, as the first read often brings the whole response.
type slowReader struct {
	socket *dial.Conn
	begin  func() (over func() error) // starts the limit; nil if there is none or it has begun
	over   func() error               // ends the limit; nil if it has not begun
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

// limit sets a limit for the reads that follow. The first of them calls begin.
func (r *slowReader) limit(begin func() (over func() error)) {
	r.lift()
	r.begin = begin
}

// lift removes the limit.
func (r *slowReader) lift() {
	if r.over != nil {
		_ = r.over() // not needed: no read has failed
	}
	r.begin, r.over = nil, nil
}

// reason returns why an exchange failed. If ctx has ended, the error only says that
// we hung up because of that.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Close closes the connection. The next exchange dials again.
func (c *Conn) Close() {
	if c.socket != nil {
		c.socket.Close()
		c.socket = nil
	}
}
