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

// Next waits for the next event, however long that takes. It asks again, after
// a growing pause, when the platform has none or does not answer well, and
// gives up after a minute in which every call failed. The end of ctx ends the
// wait; an event that has begun to arrive then has the Grace.
func (c *Client) Next(ctx context.Context) (*Event, error) {
	var failing time.Time // since when; zero: not
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

// held: the platform took the poll and kept it waiting, as it should, even if
// the connection then broke. Many of these in a row are an idle function.
func (c *Client) wasHeld() bool { return c.conn.waited > c.backoff.Longest }

// post makes a call that must arrive, until ctx ends. Where an earlier try may
// have arrived, a refusal of a later one says that it has.
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

// send posts once. On an error, sent says whether the post, or an earlier try
// on a connection that had died, may have arrived all the same.
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
