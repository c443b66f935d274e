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

// An entry is one line of a Procfile, "name: command". Its place is for
// complaints.
type entry struct{ name, command, position string }

const (
	expectedSidecars = `want a file with lines such as "name: command"`
	maxComplaints    = 20 // of one file
)

// readSidecars makes the sidecars of a Procfile, in its order; a relative path
// counts from the code folder dir, in which they run. Their Outputs are for the
// caller to set. The complaints do not quote the file: a command may hold a
// secret.
func readSidecars(file, dir string) (sidecars []supervisor.Sidecar, complaints []error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	text, err := command.ReadRegular(file)
	if err != nil {
		return nil, []error{fmt.Errorf("cannot read it: %w: %s", err, expectedSidecars)}
	}
	entries, complaints := parseProcfile(filepath.Base(file), string(text))
	for _, e := range entries {
		s, err := e.sidecar(dir)
		if err != nil {
			complaints = append(complaints, fmt.Errorf("%s: sidecar %s: %w", e.position, e.name, err))
		}
		sidecars = append(sidecars, s)
	}
	if more := len(complaints) - maxComplaints; more > 0 { // it is no Procfile
		complaints = append(complaints[:maxComplaints], fmt.Errorf("%s: and %d more: %s", filepath.Base(file), more, expectedSidecars))
	}
	return sidecars, complaints
}

// sidecar has our own environment, in which there is nothing of an event.
func (e entry) sidecar(dir string) (supervisor.Sidecar, error) {
	path, args, err := command.Find(e.command, dir, os.Getenv("PATH"))
	command := process.Command{Path: path, Args: args, Env: os.Environ(), Dir: dir}
	return supervisor.Sidecar{Name: e.name, Command: command}, err
}

// parseProcfile reads the text of a Procfile; file is its name.
func parseProcfile(file, text string) (entries []entry, complaints []error) {
	places := map[string]string{}
	text = strings.TrimPrefix(text, "\ufeff") // a byte order mark
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseEntry(line)
		e.position = fmt.Sprintf("%s:%d", file, i+1)
		if first := places[e.name]; err == nil && first != "" {
			err = fmt.Errorf("%q stands in %s, too", e.name, first)
		}
		if err != nil {
			complaints = append(complaints, fmt.Errorf("%s: %w", e.position, err))
			continue
		}
		places[e.name] = e.position
		entries = append(entries, e)
	}
	if len(entries) == 0 && complaints == nil {
		complaints = append(complaints, fmt.Errorf("%s names no sidecar: %s", file, expectedSidecars))
	}
	return entries, complaints
}

func parseEntry(line string) (entry, error) {
	found := regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.*)$`).FindStringSubmatch(line)
	switch {
	case found == nil:
		return entry{}, errors.New(`want "name: command", the name of letters, digits, _ and -`)
	case found[2] == "":
		return entry{}, fmt.Errorf("%q has no command", found[1])
	}
	return entry{name: found[1], command: found[2]}, nil
}
