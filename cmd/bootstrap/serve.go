package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// logLimit is how long the log may take at the end in all, and logPause while
// its reader takes nothing.
const (
	logLimit = 10 * time.Second
	logPause = 500 * time.Millisecond
)

// serve is the runtime: it returns the exit status when it is told to stop or
// cannot go on.
func serve(ctx context.Context, stdout, stderr io.Writer) int {
	dir, err := codeFolder()
	if err != nil {
		return refuse(stderr, err)
	}
	config, wrong := readConfig(dir)
	platform, err := protocol.Detect(string(config.Platform), os.Getenv)
	r := newRuntime(config, platform, dir, stderr)
	defer r.out.Close(logLimit, logPause)
	switch {
	case err != nil && wrong != nil: // which may be why
		return r.complain(stderr, wrong)
	case err != nil:
		return refuse(stderr, fmt.Errorf("%w\nto run a function on this machine: bootstrapctl invoke", err))
	}
	wrong = errors.Join(wrong, r.problems())
	if wrong != nil {
		r.complain(stderr, wrong)
	}
	s, err := r.supervisor(stdout, wrong)
	if err != nil {
		return refuse(stderr, err)
	}
	err = s.Run(ctx)
	switch {
	case wrong != nil && err != nil: // it has just been told
		return exitUsage
	case err != nil:
		r.log.Error("stopped", "error", err)
		return exitFailed
	}
	r.log.Info("stopped")
	return exitStopped
}

// complain hides secrets: some may have got into the wrong variable.
func (r *runtime) complain(stderr io.Writer, wrong error) int {
	return refuse(stderr, errors.New(r.mask.Hide("wrong configuration:\n"+wrong.Error())))
}

func refuse(stderr io.Writer, err error) int {
	fmt.Fprintf(patient{stderr}, "bootstrap: %v\n", err)
	return exitUsage
}

// patient is an output that may be a pipe that nobody reads: it waits for its
// reader as the log does at the end, and then goes without it.
type patient struct{ io.Writer }

func (w patient) Write(p []byte) (int, error) {
	log := supervisor.NewLog(w.Writer, supervisor.Style{})
	defer log.Close(logLimit, logPause)
	return log.Own().Write(p)
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
