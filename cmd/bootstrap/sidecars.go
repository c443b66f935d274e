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

// findCompany finds what runs beside the function, and after it. It returns all
// complaints.
func (r *runtime) findCompany() (all []error) {
	if file := strings.TrimSpace(r.Sidecars); file != "" {
		var complaints []error
		r.sidecars, complaints = readSidecars(file, r.dir)
		for _, c := range complaints {
			all = append(all, fmt.Errorf("%s: %w", r.told(prefix+"_SIDECARS"), c))
		}
	}
	for i := range r.sidecars {
		sidecar := &r.sidecars[i]
		source := r.out.Source(sidecar.Name)
		said := &farewell{source.Stream("stderr"), logs.Tail{Max: 4 << 10}}
		sidecar.Command.Outputs = []io.Writer{source.Stream("stdout"), said}
		sidecar.Said = func() string {
			defer said.Reset() // its next life is another
			return adapters.UsefulLine(r.mask.HidePart(said.Tail.String()))
		}
		sidecar.Command.Owner = process.SidecarOwner(sidecar.Name)
	}
	if r.StopCommand != "" {
		all = append(all, r.findStopCommand())
	}
	return all
}

func (r *runtime) findStopCommand() error {
	path, args, err := command.Find(r.StopCommand, r.dir, os.Getenv("PATH"))
	if err != nil {
		return fmt.Errorf("%s: %w", r.told(prefix+"_STOP_COMMAND"), err)
	}
	source := r.out.Source("")
	r.stop = &process.Command{
		Path: path, Args: args, Env: os.Environ(), Dir: r.dir,
		Outputs: []io.Writer{source.Stream("stdout"), source.Stream("stderr")},
	}
	return nil
}

// A farewell keeps the end of what a sidecar writes to stderr, to explain its
// own.
type farewell struct {
	io.WriteCloser
	logs.Tail
}

func (l *farewell) Write(p []byte) (int, error) {
	_, _ = l.Tail.Write(p) // takes all
	return l.WriteCloser.Write(p)
}
