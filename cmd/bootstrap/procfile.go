package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bootstrap/adapters/command"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"
)

// An entry is one line of a Procfile, "name: command". Errors name its
// position.
type entry struct{ name, command, position string }

const (
	expectedSidecars = `expected a file with lines such as "name: command"`
	maxErrors        = 20 // for one file
)

// readSidecars returns the sidecars of a Procfile, in its order, without
// Outputs. A relative path starts at the code folder dir, in which they run.
// Errors do not quote the file: a command may contain a secret.
func readSidecars(file, dir string) (sidecars []supervisor.Sidecar, errs []error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	text, err := command.ReadPackaged(file)
	if err != nil {
		return nil, []error{fmt.Errorf("cannot read the file: %w: %s", err, expectedSidecars)}
	}
	entries, errs := parseProcfile(filepath.Base(file), string(text))
	for _, e := range entries {
		s, err := e.sidecar(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: sidecar %s: %w", e.position, e.name, err))
		}
		sidecars = append(sidecars, s)
	}
	if more := len(errs) - maxErrors; more > 0 { // the file is probably not a Procfile
		errs = append(errs[:maxErrors], fmt.Errorf("%s: %d more errors: %s", filepath.Base(file), more, expectedSidecars))
	}
	return sidecars, errs
}

// sidecar returns a sidecar with the environment of the runtime, which contains
// nothing about an event.
func (e entry) sidecar(dir string) (supervisor.Sidecar, error) {
	path, args, err := findCommand(e.command, dir)
	command := process.Command{Path: path, Args: args, Env: os.Environ(), Dir: dir}
	return supervisor.Sidecar{Name: e.name, Command: command}, err
}

// parseProcfile parses the text of a Procfile with the name file.
func parseProcfile(file, text string) (entries []entry, errs []error) {
	positions := map[string]string{}
	text = strings.TrimPrefix(text, "\ufeff") // a byte order mark
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseEntry(line)
		e.position = fmt.Sprintf("%s:%d", file, i+1)
		if first := positions[e.name]; err == nil && first != "" {
			err = fmt.Errorf("%q is also defined in %s", e.name, first)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.position, err))
			continue
		}
		positions[e.name] = e.position
		entries = append(entries, e)
	}
	if len(entries) == 0 && errs == nil {
		errs = append(errs, fmt.Errorf("%s defines no sidecar: %s", file, expectedSidecars))
	}
	return entries, errs
}

func parseEntry(line string) (entry, error) {
	found := regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.*)$`).FindStringSubmatch(line)
	switch {
	case found == nil:
		return entry{}, errors.New(`expected "name: command", with a name of letters, digits, _ and -`)
	case found[2] == "":
		return entry{}, fmt.Errorf("%q has no command", found[1])
	}
	return entry{name: found[1], command: found[2]}, nil
}
