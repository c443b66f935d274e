package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"bootstrap/adapters"
	"bootstrap/adapters/command"
	"bootstrap/supervisor/logs"
	"bootstrap/supervisor/process"
)

// findSidecars finds what runs beside the function, and after it. It returns all
// complaints.
func (b *builder) findSidecars() (all []error) {
	if file := strings.TrimSpace(b.Sidecars); file != "" {
		var complaints []error
		b.sidecars, complaints = readSidecars(file, b.dir)
		for _, c := range complaints {
			all = append(all, fmt.Errorf("%s: %w", b.quoted(prefix+"_SIDECARS"), c))
		}
	}
	for i := range b.sidecars {
		sidecar := &b.sidecars[i]
		source := b.stderrLog.Source(sidecar.Name)
		said := &stderrTail{source.Stream("stderr"), logs.Tail{Max: 4 << 10}}
		sidecar.Command.Outputs = []io.Writer{source.Stream("stdout"), said}
		sidecar.LastOutput = func() string {
			defer said.Reset() // its next life is another
			return adapters.UsefulLine(b.mask.HidePart(said.Tail.String()))
		}
		sidecar.Command.Owner = process.SidecarOwner(sidecar.Name)
	}
	if b.StopCommand != "" {
		all = append(all, b.findStopCommand())
	}
	return all
}

func (b *builder) findStopCommand() error {
	path, args, err := command.Find(b.StopCommand, b.dir, os.Getenv("PATH"))
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

// A farewell keeps the end of what a sidecar writes to stderr, to explain its
// own.
type stderrTail struct {
	io.WriteCloser
	logs.Tail
}

func (l *stderrTail) Write(p []byte) (int, error) {
	_, _ = l.Tail.Write(p) // takes all
	return l.WriteCloser.Write(p)
}
