package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bootstrap/adapters"
	"bootstrap/protocol"
	"bootstrap/supervisor"

	"github.com/hashicorp/go-hclog"
)

// lastWords is how long the reader of the log has for what it has not taken yet
// when the runtime ends.
const lastWords = 500 * time.Millisecond

// serve is the runtime: it returns the exit status when it is told to stop or
// cannot go on.
func serve(ctx context.Context, stderr io.Writer) int {
	dir, err := codeFolder(codeRoot(os.Getenv))
	if err != nil {
		fmt.Fprintf(stderr, "bootstrap: %v\n", err)
		return exitUsage
	}
	config, err := readConfig(dir)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrap: wrong configuration:\n%v\n", err)
		return exitUsage
	}
	out := supervisor.NewLog(stderr, supervisor.Style{})
	defer out.Close(lastWords)
	log := hclog.New(&hclog.LoggerOptions{Name: "bootstrap", Level: hclog.Level(config.LogLevel), Output: out.Own()})
	found, nearest := unknown(os.Environ())
	for i, name := range found {
		log.Warn("no such option", "variable", name, "nearest", nearest[i], "from", config.Origin(name))
	}
	s, err := newSupervisor(config, log, out.Source(""))
	if err != nil {
		fmt.Fprintf(stderr, "bootstrap: %v\n", err)
		return exitUsage
	}
	if err := s.Run(ctx); err != nil {
		log.Error("stopped", "error", err)
		return exitFailed
	}
	log.Info("stopped")
	return exitStopped
}

func newSupervisor(c *Config, log hclog.Logger, command *supervisor.Source) (*supervisor.Supervisor, error) {
	platform, err := protocol.Detect(string(c.Platform), os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("%w\nto run a function on this machine: bootstrapctl invoke", err)
	}
	client, err := protocol.NewClient(platform, os.Getenv)
	if err != nil {
		return nil, err
	}
	client.Timeout = time.Duration(c.Timeout)
	client.Lost = func(call string, err error) { log.Warn("asking again", "call", call, "error", err) }
	dir, err := codeFolder(os.Getenv(platform.CodeRoot))
	if err != nil {
		return nil, err
	}
	return &supervisor.Supervisor{
		Client: client,
		Adapter: adapters.New(adapters.Config{
			Platform:        platform,
			Command:         c.Command,
			Handler:         os.Getenv(platform.Handler),
			Dir:             dir,
			Delivery:        adapters.Delivery(c.Delivery),
			ResultFD3:       c.Result == "fd3",
			ExitCodes:       c.ExitCodes,
			FailOnStderr:    c.Stderr == "fail",
			Keep:            c.Leftovers == "keep",
			Worker:          c.Adapter == "worker",
			Standby:         c.Standby,
			PTY:             c.Pty,
			Interpreters:    map[string]string{"python3": c.Python, "node": c.Node},
			StartTimeout:    time.Duration(c.StartTimeout),
			MaxEvents:       int(c.WorkerMaxEvents),
			MaxMemory:       int(c.WorkerMaxMemory) << 20,
			PassCredentials: c.PassCredentials,
			Getenv:          os.Getenv,
			Environ:         os.Environ(),
			Stdout:          command.Stream("stdout"),
			Stderr:          command.Stream("stderr"),
			Logger:          log,
		}),
		Margin: time.Duration(c.Margin),
		Grace:  time.Duration(c.Grace),
		Keep:   c.Leftovers == "keep",
		Log:    log.With("platform", platform.Name),
	}, nil
}

// codeRoot is the folder of the code as the platforms name it, which must be
// known before the options are: envFile is in it.
func codeRoot(getenv func(string) string) (root string) {
	for _, p := range protocol.Platforms {
		root = cmp.Or(root, getenv(p.CodeRoot))
	}
	return root
}

// codeFolder is where the user's code is: where the platform says, else where
// this program lies.
func codeFolder(root string) (string, error) {
	if root != "" {
		return filepath.Abs(root)
	}
	self, err := os.Executable()
	if err != nil {
		return "", errors.New("cannot find the code folder")
	}
	return filepath.Dir(self), nil
}
