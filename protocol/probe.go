//go:build linux

package protocol

import (
	"context"
	"fmt"
	"time"

	"bootstrap/internal/http1"
)

// Dial returns nil if a process listens at host:port.
func Dial(ctx context.Context, address string) error {
	c := http1.Conn{Address: address}
	defer c.Close()
	return c.Connect(ctx)
}

// Get requests a path from an HTTP server at host:port, and returns the status of
// the response. The body may be broken or endless; Get reads it for at most a
// second.
func Get(ctx context.Context, address, path string) (status int, err error) {
	c := http1.Conn{Address: address, AnswerTime: time.Second}
	defer c.Close()
	resp, lost := c.Do(ctx, &http1.Request{Method: "GET", Path: path, Header: []string{"Connection: close"}, StatusSuffices: true})
	if lost != nil {
		return 0, fmt.Errorf("no answer: %w", lost)
	}
	return resp.Status, nil
}
