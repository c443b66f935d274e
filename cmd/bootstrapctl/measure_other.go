//go:build !linux

package main

import (
	"context"
	"errors"
	"time"

	"bootstrap/protocol"
)

func measureStart(context.Context, string, *deployment, *protocol.Platform) (time.Duration, error) {
	return 0, errors.New("cannot measure the start: the runtime needs Linux")
}

// checkOptions is nil, as the runtime, which checks options, needs Linux.
var checkOptions func(ctx context.Context, dir string, env []string) ([]string, error)
