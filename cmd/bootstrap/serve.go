package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bootstrap/protocol"
)

// serve runs the runtime until ctx ends or it fails, and returns the exit
// status. A handler replaces the one in the environment.
func (p *program) serve(ctx context.Context, handler string) int {
	dir, err := codeFolder()
	if err != nil {
		return p.refuse(err)
	}
	config, configErr := readConfig(dir)
	platform, err := detect(config, handler)
	b := newBuilder(config, platform, dir, p.stderr)
	defer b.closeLogs()
	p.opened.Store(b)
	switch {
	case err != nil && configErr != nil: // the wrong configuration may be the reason
		return b.failConfig(configErr)
	case err != nil:
		return b.fail(err)
	}
	enterErr := enter(platform) // before anything reads the environment for a command
	configErr = errors.Join(configErr, b.validate())
	if configErr != nil {
		b.failConfig(configErr)
	}
	if enterErr != nil {
		return b.fail(enterErr)
	}
	return b.run(ctx, configErr)
}

// detect returns the platform, and sets its variable for the handler if there is one.
func detect(config *Config, handler string) (*protocol.Platform, error) {
	platform, err := protocol.Detect(string(config.Platform), os.Getenv)
	switch {
	case err != nil:
		return platform, fmt.Errorf("%w\nto run a function on this machine, use bootstrapctl invoke", err)
	case handler != "":
		return platform, os.Setenv(platform.Handler, handler)
	}
	return platform, nil
}

// run serves events until ctx ends or it fails, and returns the exit status. If the
// configuration is wrong, it only reports that to the platform.
func (b *builder) run(ctx context.Context, configErr error) int {
	s, err := b.supervisor(configErr)
	if err != nil {
		return b.fail(err)
	}
	err = s.Run(ctx)
	switch {
	case configErr != nil && err != nil && !s.Answer: // the log has the error, which made the start fail
		return exitUsage
	case err != nil:
		b.logger.Error("stopped", "error", err)
		return exitFailed
	}
	b.logger.Info("stopped")
	return exitStopped
}

// refuse logs why the program cannot start, and returns the exit status. The
// environment alone sets the format of the log, as there is no code folder to read
// envFile from.
func (p *program) refuse(err error) int {
	config, _ := readConfig("") // its errors are not why we refuse
	b := newBuilder(config, nil, "", p.stderr)
	defer b.closeLogs()
	return b.fail(err)
}

// codeFolder returns the folder with the user's code: the one that the platform
// sets, else that of this program. It must not depend on options, as envFile is
// in it.
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
