// Package probe tries what a sandbox lets programs do. It changes nothing, and
// shows no value of a variable.
package probe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"bootstrap/cmd/internal/version"
)

// Report writes one line for each ability and each fact, the most important
// ones first.
func Report(out io.Writer) {
	r := &report{}
	r.add("bootstrap", "%s, platform: %s", version.String(), platform())
	r.processes()
	r.limits()
	r.files()
	r.devices()
	r.programs()
	r.system()
	r.user()
	r.write(out)
}

// A report collects what the probe finds.
type report struct{ lines [][2]string }

func (r *report) add(name, format string, args ...any) {
	value := fmt.Sprintf(format, args...)
	r.lines = append(r.lines, [2]string{name, strings.Join(strings.Fields(value), " ")})
}

// try adds whether an operation works.
func (r *report) try(name string, err error) { r.add(name, "%s", yesOrNo(err)) }

func (r *report) write(out io.Writer) {
	width := 0
	for _, line := range r.lines {
		width = max(width, len(line[0]))
	}
	for _, line := range r.lines {
		fmt.Fprintf(out, "%-*s  %s\n", width+1, line[0]+":", line[1])
	}
}

// yesOrNo describes whether an operation works. It leaves out paths, as they
// may come from the environment.
func yesOrNo(err error) string {
	if err == nil {
		return "yes"
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		if _, ok := cause.(*fs.PathError); !ok {
			err = cause
		}
		if errno, ok := cause.(syscall.Errno); ok {
			return "no (" + errno.Error() + ")"
		}
	}
	return "no (" + err.Error() + ")"
}
