package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// measureStart runs the function once, with the event in event.json if there is
// one, and returns how long its start took.
func measureStart(ctx context.Context, dir string, d *deployment, platform *protocol.Platform) (time.Duration, error) {
	command, cleanUp, err := findRuntime("", dir)
	defer cleanUp()
	if err != nil {
		return 0, err
	}
	server, err := emulator.New(platform, emulator.Function{Handler: d.handler, Dir: dir, Timeout: d.timeout, MemoryMB: 128, Env: d.env, Concurrency: 1})
	if err != nil {
		return 0, fmt.Errorf("cannot measure the start: %w", err)
	}
	defer server.Close()
	runner := emulator.NewRunner(server, command, io.Discard, io.Discard)
	defer func() { runner.Stop(); runner.Clear() }()
	event, err := os.ReadFile(filepath.Join(dir, "event.json"))
	if err != nil {
		event = []byte("{}")
	}
	outcome, err := runner.Invoke(ctx, emulator.Event{Body: event})
	if err != nil {
		return 0, fmt.Errorf("cannot measure the start: %w", err)
	}
	return outcome.Init, nil
}
