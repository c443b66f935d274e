package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bootstrap/adapters"
	"bootstrap/supervisor"
)

// An entry is one line of a Procfile, "name: command".
type entry struct{ name, command string }

// readSidecars makes the sidecars of a Procfile, in its order; a relative path
// counts from the code folder dir, in which they run. Their Outputs are for the
// caller to set. The error holds all complaints.
func readSidecars(file, dir string) ([]supervisor.Sidecar, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read it: %w", err)
	}
	entries, err := parseProcfile(filepath.Base(file), string(text))
	if err != nil {
		return nil, err
	}
	var sidecars []supervisor.Sidecar
	var complaints []error
	for _, e := range entries {
		s, err := e.sidecar(dir)
		sidecars, complaints = append(sidecars, s), append(complaints, err)
	}
	return sidecars, errors.Join(complaints...)
}

// sidecar has our own environment, in which there is nothing of an event.
func (e entry) sidecar(dir string) (supervisor.Sidecar, error) {
	path, args, err := adapters.FindCommand(e.command, dir, os.Getenv("PATH"))
	if err != nil {
		return supervisor.Sidecar{}, fmt.Errorf("sidecar %s: %w", e.name, err)
	}
	command := supervisor.Command{Path: path, Args: args, Env: os.Environ(), Dir: dir}
	return supervisor.Sidecar{Name: e.name, Command: command}, nil
}

// parseProcfile reads the text of a Procfile; file is its name, for the
// complaints, which do not quote it: a command may hold a secret.
func parseProcfile(file, text string) (entries []entry, err error) {
	var complaints []error
	lineOf := map[string]int{}
	text = strings.TrimPrefix(text, "\ufeff") // a byte order mark
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseEntry(line)
		if first := lineOf[e.name]; err == nil && first > 0 {
			err = fmt.Errorf("%q stands in line %d, too", e.name, first)
		}
		if err != nil {
			complaints = append(complaints, fmt.Errorf("%s:%d: %w", file, i+1, err))
			continue
		}
		lineOf[e.name] = i + 1
		entries = append(entries, e)
	}
	if len(entries) == 0 && complaints == nil {
		complaints = append(complaints, fmt.Errorf("%s: it names no sidecar: want lines such as %q", file, "name: command"))
	}
	return entries, errors.Join(complaints...)
}

func parseEntry(line string) (entry, error) {
	found := regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.*)$`).FindStringSubmatch(line)
	switch {
	case found == nil:
		return entry{}, errors.New(`want "name: command", the name of letters, digits, _ and -`)
	case found[2] == "":
		return entry{}, fmt.Errorf("%q has no command", found[1])
	}
	return entry{found[1], found[2]}, nil
}
