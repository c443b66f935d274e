package adapters

import (
	"io"
	"strconv"

	"bootstrap/adapters/command"
	"bootstrap/adapters/temp"
	"bootstrap/internal/cgroup"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// A function is the user's function in one slot, with everything that all ways to
// run it need.
type function struct {
	settings Settings
	services Services
	memory   *cgroup.Memory
	temp     *eventFolder
}

func newFunction(s Settings, with Services) *function {
	if with.Init == nil {
		with.Init = &Init{}
	}
	if with.Temp == nil {
		with.Temp = &temp.Folder{}
	}
	return &function{
		settings: s,
		services: with,
		memory:   &cgroup.Memory{},
		temp:     &eventFolder{wanted: s.TempPerEvent, in: with.Temp},
	}
}

// variables returns what a command learns about its event, under the same names on
// every platform.
func (fn *function) variables(ev *protocol.Event) []string {
	vars := []string{"FUNCTION_PLATFORM=" + fn.settings.Platform.Name}
	if ev.ID != "" {
		vars = append(vars, "FUNCTION_REQUEST_ID="+ev.ID)
	}
	if limit := ev.Limit(); limit > 0 {
		vars = append(vars,
			"FUNCTION_DEADLINE_MS="+strconv.FormatInt(ev.Deadline.UnixMilli(), 10),
			"FUNCTION_TIME_LIMIT_MS="+strconv.FormatInt(limit.Milliseconds(), 10))
	}
	vars = append(vars, protocol.Variables(fn.settings.Platform.Facts, ev.Header.Get, fn.services.Getenv)...)
	if fn.temp.path != "" {
		vars = append(vars, "TMPDIR="+fn.temp.path)
	}
	if fn.settings.PassCredentials {
		vars = append(vars, protocol.Variables(fn.settings.Platform.Credentials, ev.Header.Get, fn.services.Getenv)...)
	}
	return vars
}

// findProgram returns the path of a program, or why it cannot run.
func (fn *function) findProgram(name string) (string, error) {
	return command.FindProgram(name, fn.settings.Dir, fn.services.Getenv("PATH"))
}

// logOutput returns the output for something that is logged.
func (fn *function) logOutput(w io.Writer) io.Writer {
	if fn.settings.PTY {
		return process.Terminal{Writer: w}
	}
	return w
}
