//go:build linux

package protocol

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bootstrap/internal/http1"
)

// An Extension makes the platform send SIGTERM before SIGKILL. AWS Lambda does so
// only for a runtime that has registered an extension. The extension subscribes to
// no events. It has a connection of its own. Only one goroutine may use it at a time.
type Extension struct {
	platform      *Platform
	conn          http1.Conn
	registerLimit time.Duration // how long Register may take
	backoff       Backoff       // between the calls that Wait makes
	id            string        // empty if not registered
}

const extensionName = "bootstrap"

// NewExtension returns an extension for p at the address that the environment
// names. It does not connect yet.
func NewExtension(p *Platform, getenv func(string) string) (*Extension, error) {
	address, err := p.Endpoint(getenv)
	if err != nil {
		return nil, err
	}
	const limit = 5 * time.Second // short, because initialisation waits for Register
	return &Extension{
		platform:      p,
		conn:          http1.Conn{Address: address, AnswerTime: limit},
		registerLimit: limit,
		backoff:       Backoff{70 * time.Millisecond, time.Second},
	}, nil
}

// Register registers the extension, before the first Next of a Client. It tries
// once, for at most 5 s. It does nothing if the platform has no such call. After an
// error the runtime can still serve events, but it gets no SIGTERM.
func (e *Extension) Register(ctx context.Context) error {
	if e.platform.Register == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.registerLimit)
	defer cancel()
	resp, err := e.call(ctx, "register", &http1.Request{
		Method: "POST",
		Path:   e.platform.Register,
		Header: []string{"Content-Type: application/json", e.platform.ExtensionName + ": " + extensionName},
		Body:   []byte(`{"events":[]}`),
	})
	if err != nil {
		return err
	}
	id := resp.Header.Get(e.platform.ExtensionID)
	if id == "" || strings.ContainsFunc(id, notInID) {
		return fmt.Errorf("register: invalid extension id %q", id)
	}
	e.id = id
	return nil
}

// Wait asks for the extension's next event. That reports that the extension is
// ready, which the platform waits for before it delivers events to the runtime. No
// event ever comes, so Wait blocks until ctx ends, and repeats failed calls after a
// growing pause. It returns a *StatusError if the platform refuses, and nil at once
// if nothing was registered.
func (e *Extension) Wait(ctx context.Context) error {
	if e.id == "" {
		return nil
	}
	req := &http1.Request{Method: "GET", Path: e.platform.ExtensionNext, Header: []string{e.platform.ExtensionID + ": " + e.id}}
	for n := 0; ; n++ {
		_, err := e.call(ctx, "extension next", req)
		if status, ok := errors.AsType[*StatusError](err); ok && status.Refused() {
			return err
		}
		if e.conn.Waited() > e.backoff.Longest { // the platform held the call, as it should
			n = 0
		}
		if !Sleep(ctx, e.backoff.Pause(n)) {
			return context.Cause(ctx)
		}
	}
}

// Close closes the connection. It must not be called while Wait blocks: cancel its
// ctx first.
func (e *Extension) Close() { e.conn.Close() }

// call sends one request. An error may be a *StatusError.
func (e *Extension) call(ctx context.Context, call string, req *http1.Request) (*http1.Response, error) {
	resp, lost := e.conn.Do(ctx, req)
	if lost != nil {
		return nil, fmt.Errorf("%s: %w", call, lost)
	}
	if resp.Status/100 != 2 {
		return nil, &StatusError{call, resp.Status, resp.Excerpt()}
	}
	return resp, nil
}
