//go:build linux

package protocol

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
		case err == nil:
			failing = time.Time{}
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) >= c.giveUpAfter:
			return nil, fmt.Errorf("cannot get an event from %s at %s, tried for %v: %w",
				c.platform.Title, c.conn.address, c.giveUpAfter, err)
		}
		if err != nil {
			c.reportLost("next", err)
		}
		Sleep(ctx, c.backoff.Pause(n))
	}
}

// isFinal reports whether an answer to Next tells the runtime to exit.
func (c *Client) isFinal(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && c.platform.FinalStatus && (status.Refused() || status.Status == 500)
}

// wasHeld reports whether the platform held the last poll open, as it should, even if
// the connection broke later. An idle function has many such polls in a row.
func (c *Client) wasHeld() bool { return c.conn.waited > c.backoff.Longest }

// post repeats a post until it has arrived or ctx ends. If an earlier attempt may
// have arrived and a later one is refused, the earlier one has arrived.
func (c *Client) post(ctx context.Context, call, path string, header []string, body []byte) error {
	arrived := false
	for n := 0; ; n++ {
		sent, err := c.send(ctx, call, &request{method: "POST", path: path, header: header, body: body, statusSuffices: true})
		arrived = arrived || sent
		if err == nil {
			return nil
		}
		if status, ok := errors.AsType[*StatusError](err); ok && status.Refused() {
			if arrived && status.Status != 413 {
				return nil
			}
			return err
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
func (c *Client) send(ctx context.Context, call string, req *request) (sent bool, err error) {
	resp, lost := c.conn.do(ctx, req)
	if lost != nil {
		return lost.sent, lost
	}
	if resp.status/100 == 2 {
		return true, nil
	}
	refusal := &StatusError{call, resp.status, excerpt(resp.body)}
	return resp.repeat || !refusal.Refused(), refusal
}
