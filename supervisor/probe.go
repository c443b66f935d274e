package supervisor

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"bootstrap/internal/dial"
	"bootstrap/internal/http1"
)

// dialTCP returns nil if a process listens at host:port.
func dialTCP(ctx context.Context, address string) error {
	c, err := dial.TCP(ctx, address)
	if err == nil {
		c.Close()
	}
	return err
}

// dialUnix returns nil if a process listens at the Unix socket with that path. It
// does not block.
func dialUnix(path string) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("cannot make a socket: %w", err)
	}
	defer syscall.Close(fd)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		return fmt.Errorf("cannot connect to %s: %w", path, err)
	}
	return nil
}

// getHTTP returns nil if an HTTP server at host:port answers the path with 2xx. The
// body may be broken or endless; getHTTP reads it for at most a second.
func getHTTP(ctx context.Context, address, path string) error {
	c := http1.Conn{Address: address, AnswerTime: time.Second}
	defer c.Close()
	resp, lost := c.Do(ctx, &http1.Request{Method: "GET", Path: path, Header: []string{"Connection: close"}, StatusSuffices: true})
	switch {
	case lost != nil:
		return fmt.Errorf("no answer: %w", lost)
	case resp.Status/100 != 2:
		return fmt.Errorf("HTTP status %d", resp.Status)
	}
	return nil
}
