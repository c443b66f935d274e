package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// measureStart runs the function once, with the event in event.json if there is
// one, and returns how long its start took.
func measureStart(ctx context.Context, dir string, d *deployment, platform *protocol.Platform) (time.Duration, error) {
	program, err := findRuntime(ctx, "", dir)
	if err != nil {
		return 0, err
	}
	defer program.Close()
	server, err := emulator.New(platform, emulator.Function{Handler: d.handler, Dir: dir, Timeout: d.timeout, MemoryMB: 128, Env: d.env, Concurrency: 1})
	if err != nil {
		return 0, fmt.Errorf("cannot measure the start: %w", err)
	}
	defer server.Close()
	runner := emulator.NewRunner(server, program.args, io.Discard, io.Discard)
	defer func() { runner.Stop(); runner.Clear() }()
	event, err := os.ReadFile(filepath.Join(dir, "event.json"))
	if err != nil {
		event = []byte("{}")
	}
	outcome, err := runner.Invoke(ctx, emulator.Event{Body: event})
	if err != nil {
		return 0, fmt.Errorf("cannot measure the start: %w", err)
	}
	switch outcome.Kind {
	case emulator.InitFailed:
		return 0, fmt.Errorf("cannot measure the start: it failed: %s", cmp.Or(outcome.Reason, string(outcome.Body)))
	case emulator.RuntimeExited:
		return 0, fmt.Errorf("cannot measure the start: the runtime exited: %s", outcome.Reason)
	}
	return outcome.Init, nil
}

// checkOptions runs the runtime of bootstrapctl to check the options.
func checkOptions(ctx context.Context, dir string, env []string) ([]string, error) {
	program, err := ownRuntime(ctx)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program.args[0], "check")
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && stdout.Len() == 0 {
		return nil, fmt.Errorf("cannot run the runtime: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.Split(strings.TrimSpace(stdout.String()), "\n"), nil
}
