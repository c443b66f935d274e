package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"bootstrap/adapters/failure"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"
)

// findSidecars prepares the sidecars. It returns all errors in their file.
func (b *builder) findSidecars() (all []error) {
	if file := strings.TrimSpace(b.Sidecars); file != "" {
		var errs []error
		b.sidecars, errs = readSidecars(file, b.dir)
		for _, c := range errs {
			all = append(all, fmt.Errorf("%s: %w", b.quoted(prefix+"_SIDECARS"), c))
		}
	}
	for i := range b.sidecars {
		sidecar := &b.sidecars[i]
		source := b.stderrLog.Source(sidecar.Name)
		tail := &stderrTail{source.Stream("stderr"), logs.Tail{Max: 4 << 10}}
		sidecar.Command.Outputs = []io.Writer{source.Stream("stdout"), tail}
		sidecar.LastOutput = func() string {
			defer tail.Reset() // the next run has its own output
			return failure.UsefulLine(b.mask.HidePart(tail.Tail.String()))
		}
		sidecar.Command.Owner = process.SidecarOwner(sidecar.Name)
	}
	return all
}

func (b *builder) findStopCommand() error {
	path, args, err := findCommand(b.StopCommand, b.dir)
	if err != nil {
		return fmt.Errorf("%s: %w", b.quoted(prefix+"_STOP_COMMAND"), err)
	}
	source := b.stderrLog.Source("")
	b.stopCommand = &process.Command{
		Path: path, Args: args, Env: os.Environ(), Dir: b.dir,
		Outputs: []io.Writer{source.Stream("stdout"), source.Stream("stderr")},
	}
	return nil
}

// A stderrTail logs the stderr of a sidecar, and keeps its end to explain the
// exit.
type stderrTail struct {
	io.WriteCloser
	logs.Tail
}

func (t *stderrTail) Write(p []byte) (int, error) {
	_, _ = t.Tail.Write(p) // never fails
	return t.WriteCloser.Write(p)
}
