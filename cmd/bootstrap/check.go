package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"bootstrap/protocol"
)

// check prints the errors in the configuration of the function in the code
// folder, each in a line "error: …" or "warning: …". It starts nothing.
func check(stdout, stderr io.Writer) int {
	dir, err := codeFolder()
	if err != nil {
		fmt.Fprintf(stderr, "bootstrap: %v\n", err)
		return exitUsage
	}
	config, configErr := readConfig(dir)
	platform, err := protocol.Detect(string(config.Platform), os.Getenv)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrap: %v\n", err)
		return exitUsage
	}
	found, nearest := unknownOptions(os.Environ())
	for i, name := range found {
		fmt.Fprintf(stdout, "warning: unknown option: %s: did you mean %s?\n", config.quoted(name), nearest[i])
	}
	status := exitStopped
	b := newBuilder(config, platform, dir, io.Discard)
	defer b.closeLogs()
	for _, problem := range []error{configErr, b.validate()} {
		if problem == nil {
			continue
		}
		status = exitUsage
		fmt.Fprintf(stdout, "error: %s\n", strings.ReplaceAll(problem.Error(), "\n", "\nerror: "))
	}
	return status
}
