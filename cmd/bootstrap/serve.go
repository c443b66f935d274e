package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"bootstrap/protocol"
)

// serve is the runtime: it returns the exit status when it is told to stop or
// cannot go on.
func serve(ctx context.Context, stdout, stderr io.Writer) int {
	dir, err := codeFolder()
	if err != nil {
		fmt.Fprintf(stderr, "bootstrap: %v\n", err)
		return exitUsage
	}
	config, wrong := readConfig(dir)
	platform, err := protocol.Detect(string(config.Platform), os.Getenv)
	b := newBuilder(config, platform, dir, stderr)
	defer b.closeLogs()
	switch {
	case err != nil && wrong != nil: // which may be why
		return b.failConfig(wrong)
	case err != nil:
		return b.fail(fmt.Errorf("%w\nto run a function on this machine: bootstrapctl invoke", err))
	}
	wrong = errors.Join(wrong, b.validate())
	if wrong != nil {
		b.failConfig(wrong)
	}
	s, err := b.supervisor(stdout, wrong)
	if err != nil {
		return b.fail(err)
	}
	err = s.Run(ctx)
	switch {
	case wrong != nil && err != nil: // it has just been told
		return exitUsage
	case err != nil:
		b.logger.Error("stopped", "error", err)
		return exitFailed
	}
	b.logger.Info("stopped")
	return exitStopped
}

// codeFolder is where the user's code is: where the platform says, else where
// this program lies. It is needed before the options are known, as some of them
// are in it.
func codeFolder() (string, error) {
	for _, p := range protocol.Platforms {
		if root := os.Getenv(p.CodeRoot); root != "" {
			return filepath.Abs(root)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "", errors.New("cannot find the code folder")
	}
	return filepath.Dir(self), nil
}
