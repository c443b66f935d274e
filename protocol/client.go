//go:build linux

package protocol

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"bootstrap/internal/dial"
	"bootstrap/internal/http1"
)

// A Client calls the runtime API of a platform. It serves one event at a time, and
// only one goroutine may use it at a time. It never logs.
type Client struct {
	// Timeout limits each event, unless the platform's own limit is shorter.
	// Zero means only the platform's limit.
	Timeout time.Duration

	// Grace is how long an event that has begun to arrive may take after the
	// context of Next has ended.
	Grace time.Duration

	// Lost, if not nil, is called after each failed call that will be repeated
	// after a pause. It must not block.
	Lost func(call string, err error)

	platform    *Platform
	conn        http1.Conn
	limit       time.Duration // of the function, from its variable; 0 if unknown
	giveUpAfter time.Duration // how long calls may fail before the client gives up
	backoff     Backoff       // between failed or empty calls
	spare       Spare         // the body of the last large event
}

// NewClient returns a client for p at the address that the environment names. It
// does not connect yet.
func NewClient(p *Platform, getenv func(string) string) (*Client, error) {
	address, err := p.Endpoint(getenv)
	if err != nil {
		return nil, err
	}
	return &Client{
		platform:    p,
		conn:        http1.Conn{Address: address, AnswerTime: 30 * time.Second},
		limit:       p.EventLimit(getenv),
		giveUpAfter: time.Minute,
		backoff:     Backoff{70 * time.Millisecond, time.Second},
	}, nil
}

// Close closes the connection.
func (c *Client) Close() { c.conn.Close() }

// Ready reports to the platform that initialisation is over. It repeats the
// call for up to a minute, and does nothing if the platform has no such call.
func (c *Client) Ready(ctx context.Context) error {
	if c.platform.Ready == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.giveUpAfter)
	defer cancel()
	return c.post(ctx, "ready", c.platform.Ready, nil, []byte(c.platform.ReadyBody))
}

// Respond posts the result of ev. It repeats a post that may not have arrived until
// ctx ends, which is safe because every platform keeps only the first answer. The
// error is a *StatusError if the platform refused the result.
func (c *Client) Respond(ctx context.Context, ev *Event, result []byte) error {
	header := c.invocation(ev, "Content-Type: application/octet-stream")
	return c.post(ctx, "response", path(c.platform.Response, ev.ID), header, result)
}

// Fail posts the failure of ev, and repeats it as Respond does.
func (c *Client) Fail(ctx context.Context, ev *Event, f *Failure) error {
	return c.fail(ctx, "error", path(c.platform.Error, ev.ID), f, c.invocation(ev)...)
}

// FailInit reports to the platform that initialisation failed. It repeats the
// call for up to a minute, and does nothing if the platform has no such call.
func (c *Client) FailInit(ctx context.Context, f *Failure) error {
	if c.platform.InitError == "" {
		return nil
	}
	return c.fail(ctx, "init error", c.platform.InitError, f)
}

// invocation adds the header that identifies this attempt to serve ev, unchanged.
func (c *Client) invocation(ev *Event, header ...string) []string {
	name := c.platform.InvocationID
	if id := ev.Header.Get(name); name != "" && id != "" && !strings.ContainsFunc(id, notInID) {
		header = append(header, name+": "+id)
	}
	return header
}

func (c *Client) fail(ctx context.Context, call, path string, f *Failure, header ...string) error {
	header = append(header, "Content-Type: application/json")
	if c.platform.ErrorType != "" && !strings.ContainsFunc(f.Type, notInID) {
		header = append(header, c.platform.ErrorType+": "+f.Type)
	}
	return c.post(ctx, call, path, header, f.JSON())
}

// poll asks once for an event. It returns nil and no error if there is none yet, or
// if the response has no request id, without which the event cannot be answered.
func (c *Client) poll(ctx context.Context) (*Event, error) {
	resp, lost := c.conn.Do(ctx, &http1.Request{Method: "GET", Path: c.platform.Next, Memory: c.memory, Grace: c.Grace})
	if lost != nil {
		return nil, lost
	}
	if resp.Status/100 != 2 {
		return nil, &StatusError{"next", resp.Status, resp.Excerpt()}
	}
	ids := c.requestIDs(resp.Header)
	switch {
	case resp.Status == 204 || len(ids) == 0 || ids[0] == "":
		return nil, nil
	case len(ids) > 1 || !isID(ids[0]):
		return nil, fmt.Errorf("expected an event with one valid request id, got %q", ids)
	}
	c.spare.Keep(resp.Body) // free once the next event is asked for
	return c.event(ids[0], resp), nil
}

// memory returns memory for the body of a large event, or nil. A small body leaves
// the spare memory alone: it may be that of a poll without an event.
func (c *Client) memory(size int) []byte {
	if size <= LargeBody {
		return nil
	}
	return c.spare.Take(size)
}

// requestIDs returns the values of the request id's header. It also accepts hyphens
// for the underscores of SCF, as some of SCF's clients do.
func (c *Client) requestIDs(header textproto.MIMEHeader) []string {
	name := c.platform.RequestID
	if ids := header.Values(name); len(ids) > 0 {
		return ids
	}
	return header.Values(strings.ReplaceAll(name, "_", "-"))
}

func (c *Client) event(id string, resp *http1.Response) *Event {
	deadline := c.platform.deadline(resp.Header.Get, resp.Began, c.limit)
	if own := resp.Began.Add(c.Timeout); c.Timeout > 0 && (deadline.IsZero() || own.Before(deadline)) {
		deadline = own
	}
	return &Event{ID: id, Body: resp.Body, Received: resp.Began, Deadline: deadline, Header: resp.Header}
}

// isID reports whether an id can be a segment of a path. The segments . and ..
// would change the path.
func isID(id string) bool {
	return !strings.ContainsFunc(id, notInID) && id != "." && id != ".."
}

// A StatusError reports a response with a status other than 2xx.
type StatusError struct {
	Call   string // "next", "response", …
	Status int
	Text   string // the beginning of the response's body
}

func (e *StatusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: status %d: %s", e.Call, e.Status, e.Text), ": ")
}

// Refused reports whether a repeated call would fail again. 408 does not count, as
// a server may send it to an idle connection just when we send a request.
func (e *StatusError) Refused() bool { return e.Status < 500 && e.Status != 408 }

func (c *Client) reportLost(call string, err error) {
	if c.Lost != nil {
		c.Lost(call, err)
	}
}

// Next waits for the next event, without a limit. If a poll fails or returns no
// event, it polls again after a growing pause. It gives up after a minute in which
// every poll failed, when ctx ends, or at once when the platform tells the runtime
// to exit. An event that has begun to arrive by then may still take up to Grace.
func (c *Client) Next(ctx context.Context) (*Event, error) {
	var failing time.Time // when the first of the failed polls in a row failed; zero if the last one did not
	for n := 0; ; n++ {
		ev, err := c.poll(ctx)
		if ev != nil {
			return ev, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if c.wasHeld() {
			n, failing = 0, time.Time{}
		}
		switch {
		case c.isFinal(err):
			return nil, fmt.Errorf("%s gives this instance no more events: %w", c.platform.Title, err)
		case c.isForbidden(err):
			return nil, fmt.Errorf("cannot get events from %s: %w", c.platform.Title, err)
		case err == nil:
			failing = time.Time{}
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) >= c.giveUpAfter:
			return nil, fmt.Errorf("cannot get an event from %s at %s, tried for %v: %w",
				c.platform.Title, c.conn.Address, c.giveUpAfter, err)
		}
		if err != nil {
			c.reportLost("next", err)
		}
		Sleep(ctx, c.backoff.Pause(n))
	}
}

// isForbidden reports whether the sandbox does not let us connect to the platform.
func (c *Client) isForbidden(err error) bool { return !c.conn.WasConnected() && dial.IsDenied(err) }

// isFinal reports whether an answer to Next tells the runtime to exit.
func (c *Client) isFinal(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && c.platform.FinalStatus && (status.Refused() || status.Status == 500)
}

// wasHeld reports whether the platform held the last poll open, as it should, even if
// the connection broke later. An idle function has many such polls in a row.
func (c *Client) wasHeld() bool { return c.conn.Waited() > c.backoff.Longest }

// post repeats a post until it has arrived or ctx ends. If an attempt may have arrived
// and a later one is refused, post takes that as proof that the first one arrived,
// except after 413, which says that the body is too large.
func (c *Client) post(ctx context.Context, call, path string, header []string, body []byte) error {
	mayHaveArrived := false
	for n := 0; ; n++ {
		sent, err := c.send(ctx, call, &http1.Request{Method: "POST", Path: path, Header: header, Body: body, StatusSuffices: true})
		mayHaveArrived = mayHaveArrived || sent
		if err == nil {
			return nil
		}
		if status, ok := errors.AsType[*StatusError](err); ok && status.Refused() {
			if mayHaveArrived && status.Status != 413 {
				return nil
			}
			return err
		}
		if c.isForbidden(err) {
			return fmt.Errorf("%s cannot be sent: %w", call, err)
		}
		if ctx.Err() == nil {
			c.reportLost(call, err)
		}
		if !Sleep(ctx, c.backoff.Pause(n)) {
			return fmt.Errorf("%s may not have arrived: %w", call, err)
		}
	}
}

// send posts once. On an error, sent reports whether the post may still have
// arrived, perhaps over a reused connection that broke.
func (c *Client) send(ctx context.Context, call string, req *http1.Request) (sent bool, err error) {
	resp, lost := c.conn.Do(ctx, req)
	if lost != nil {
		return lost.Sent, lost
	}
	if resp.Status/100 == 2 {
		return true, nil
	}
	refusal := &StatusError{call, resp.Status, resp.Excerpt()}
	return resp.Repeat || !refusal.Refused(), refusal
}
