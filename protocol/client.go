//go:build linux

package protocol

import (
	"context"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// A Client is the runtime's side of a platform. It is for one event at a
// time. It never logs.
type Client struct {
	// Timeout limits each event where the platform gives no limit, and
	// shortens a longer one. Zero: the platform's limit alone.
	Timeout time.Duration

	// Grace is for an event that has begun to arrive when Next is to end.
	Grace time.Duration

	// Lost is told of each call that brought nothing and will be made
	// again after a pause; nil: nobody is. It must not block.
	Lost func(call string, err error)

	platform    *Platform
	conn        conn
	limit       time.Duration // of the function, where a variable tells; 0: unknown
	giveUpAfter time.Duration // how long calls may fail before we give up
	backoff     Backoff       // between calls that bring nothing
	spare       []byte        // the body of the last event, if it was large
}

// NewClient makes a client for p at the address that the environment names. It
// does not connect yet.
func NewClient(p *Platform, getenv func(string) string) (*Client, error) {
	address, err := p.Endpoint(getenv)
	if err != nil {
		return nil, err
	}
	c := &Client{
		platform:    p,
		conn:        conn{address: address, answerTime: 30 * time.Second},
		giveUpAfter: time.Minute,
		backoff:     Backoff{70 * time.Millisecond, time.Second},
	}
	if seconds, err := strconv.ParseUint(getenv(p.Timeout), 10, 31); err == nil {
		c.limit = time.Duration(seconds) * time.Second
	}
	return c, nil
}

// Close hangs up.
func (c *Client) Close() { c.conn.Close() }

// Ready reports that initialisation is over. It returns at once where the
// platform has no such call.
func (c *Client) Ready(ctx context.Context) error {
	if c.platform.Ready == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.giveUpAfter)
	defer cancel()
	return c.post(ctx, "ready", c.platform.Ready, nil, []byte(c.platform.ReadyBody))
}

// Respond posts the result of ev. A try that may not have arrived is repeated
// until ctx ends: every platform keeps the first answer only. A *StatusError
// says that the platform refused it.
func (c *Client) Respond(ctx context.Context, ev *Event, result []byte) error {
	header := []string{"Content-Type: application/octet-stream"}
	return c.post(ctx, "response", path(c.platform.Response, ev.ID), header, result)
}

// Fail posts the failure of ev, in the way of Respond.
func (c *Client) Fail(ctx context.Context, ev *Event, f *Failure) error {
	return c.fail(ctx, "error", path(c.platform.Error, ev.ID), f)
}

// FailInit reports that initialisation failed. It returns at once where the
// platform has no such call.
func (c *Client) FailInit(ctx context.Context, f *Failure) error {
	if c.platform.InitError == "" {
		return nil
	}
	return c.fail(ctx, "init error", c.platform.InitError, f)
}

func (c *Client) fail(ctx context.Context, call, path string, f *Failure) error {
	header := []string{"Content-Type: application/json"}
	if c.platform.ErrorType != "" && !strings.ContainsFunc(f.Type, notInID) {
		header = append(header, c.platform.ErrorType+": "+f.Type)
	}
	return c.post(ctx, call, path, header, f.JSON())
}

// poll asks once for an event. Neither an event nor an error: there is none
// yet. Without exactly one id there is no event: nobody could answer it.
func (c *Client) poll(ctx context.Context) (*Event, error) {
	resp, lost := c.conn.do(ctx, &request{method: "GET", path: c.platform.Next, spare: c.spare, grace: c.Grace})
	if lost != nil {
		return nil, lost
	}
	if resp.status/100 != 2 {
		return nil, &StatusError{"next", resp.status, excerpt(resp.body)}
	}
	ids := c.requestIDs(resp.header)
	switch {
	case resp.status == 204 || len(ids) == 0 || ids[0] == "":
		return nil, nil
	case len(ids) > 1 || !isID(ids[0]):
		return nil, fmt.Errorf("an event with the request id %q", ids)
	}
	c.spare = nil
	if len(resp.body) > largeBody {
		c.spare = resp.body // nobody needs it when the next event is asked for
	}
	return c.event(ids[0], resp), nil
}

// requestIDs also takes hyphens for the underscores of SCF, as some of its
// clients do.
func (c *Client) requestIDs(header textproto.MIMEHeader) []string {
	name := c.platform.RequestID
	if ids := header.Values(name); len(ids) > 0 {
		return ids
	}
	return header.Values(strings.ReplaceAll(name, "_", "-"))
}

func (c *Client) event(id string, resp *response) *Event {
	deadline := c.platform.deadline(resp.header.Get, resp.began, c.limit)
	if own := resp.began.Add(c.Timeout); c.Timeout > 0 && (deadline.IsZero() || own.Before(deadline)) {
		deadline = own
	}
	return &Event{ID: id, Body: resp.body, Received: resp.began, Deadline: deadline, Header: resp.header}
}

// isID reports whether an id can be part of a path, which . and .. would change.
func isID(id string) bool {
	return !strings.ContainsFunc(id, notInID) && id != "." && id != ".."
}

// notInID: an id becomes part of a path and of a variable.
func notInID(r rune) bool { return r <= ' ' || r == 0x7f }

// A StatusError is a status other than 2xx.
type StatusError struct {
	Call   string // "next", "response", …
	Status int
	Text   string // the beginning of what the platform said
}

func (e *StatusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: status %d: %s", e.Call, e.Status, e.Text), ": ")
}

// Refused: asking again will not help. 408 is no answer: a server may say it to
// a connection that was idle just as we ask.
func (e *StatusError) Refused() bool { return e.Status < 500 && e.Status != 408 }

func excerpt(body []byte) string {
	return textproto.TrimString(strings.ToValidUTF8(cut(string(body), 200), ""))
}
