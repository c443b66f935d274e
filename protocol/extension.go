//go:build linux

package protocol

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// An Extension makes the platform say SIGTERM before SIGKILL, where only those
// who have registered one get to hear it. It asks for no events. It is for one
// caller at a time, on a connection of its own.
type Extension struct {
	platform      *Platform
	conn          conn
	registerLimit time.Duration // how long Register may take
	backoff       Backoff       // between calls of Wait
	id            string        // "": not registered
}

const extensionName = "bootstrap"

// NewExtension makes an extension for p at the address that the environment
// names. It does not connect yet.
func NewExtension(p *Platform, getenv func(string) string) (*Extension, error) {
	address, err := p.Endpoint(getenv)
	if err != nil {
		return nil, err
	}
	const limit = 5 * time.Second // initialisation waits for it
	return &Extension{
		platform:      p,
		conn:          conn{address: address, answerTime: limit},
		registerLimit: limit,
		backoff:       Backoff{70 * time.Millisecond, time.Second},
	}, nil
}

// Register tells the platform of the extension, which must be before the first
// Next of a Client. It asks once, for 5 s at most, and returns at once where
// the platform has no such call. The runtime can go on after an error: it will
// just not be told to stop.
func (e *Extension) Register(ctx context.Context) error {
	if e.platform.Register == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.registerLimit)
	defer cancel()
	resp, err := e.call(ctx, "register", &request{
		method: "POST",
		path:   e.platform.Register,
		header: []string{"Content-Type: application/json", e.platform.ExtensionName + ": " + extensionName},
		body:   []byte(`{"events":[]}`),
	})
	if err != nil {
		return err
	}
	id := resp.header.Get(e.platform.ExtensionID)
	if id == "" || strings.ContainsFunc(id, notInID) {
		return fmt.Errorf("register: an extension with the id %q", id)
	}
	e.id = id
	return nil
}

// Wait says that the extension is ready, without which a registered one keeps
// the runtime from getting events, and asks for its next event, of which there
// will be none. It blocks until ctx ends, and meanwhile asks again, after a
// growing pause, when a call breaks. A *StatusError says that the platform
// refused. It returns nil at once if nothing was registered.
func (e *Extension) Wait(ctx context.Context) error {
	if e.id == "" {
		return nil
	}
	req := &request{method: "GET", path: e.platform.ExtensionNext, header: []string{e.platform.ExtensionID + ": " + e.id}}
	for n := 0; ; n++ {
		_, err := e.call(ctx, "extension next", req)
		if status, ok := errors.AsType[*StatusError](err); ok && status.Refused() {
			return err
		}
		if e.conn.waited > e.backoff.Longest { // it was held, as it should be
			n = 0
		}
		if !Sleep(ctx, e.backoff.Pause(n)) {
			return context.Cause(ctx)
		}
	}
}

// Close hangs up. It must not be called while Wait blocks: end its ctx.
func (e *Extension) Close() { e.conn.Close() }

// call makes one exchange. An error may be a *StatusError.
func (e *Extension) call(ctx context.Context, call string, req *request) (*response, error) {
	resp, lost := e.conn.do(ctx, req)
	if lost != nil {
		return nil, fmt.Errorf("%s: %w", call, lost.err)
	}
	if resp.status/100 != 2 {
		return nil, &StatusError{call, resp.status, excerpt(resp.body)}
	}
	return resp, nil
}
