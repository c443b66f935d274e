//go:build linux

package protocol

import (
	"context"
	"fmt"
	"time"
)

// Dial returns nil if a process listens at host:port.
func Dial(ctx context.Context, address string) error {
	s, err := dial(ctx, address)
	if err == nil {
		s.Close()
	}
	return err
}

// Get requests a path from an HTTP server at host:port, and returns the status of
// the response. The body may be broken or endless; Get reads it for at most a
// second.
func Get(ctx context.Context, address, path string) (status int, err error) {
	c := conn{address: address, answerTime: time.Second}
	defer c.Close()
	resp, lost := c.do(ctx, &request{method: "GET", path: path, header: []string{"Connection: close"}, statusSuffices: true})
	if lost != nil {
		return 0, fmt.Errorf("no answer: %w", lost)
	}
	return resp.status, nil
}
