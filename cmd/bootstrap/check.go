package main

import (
	"errors"
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
	config, wrong := readConfig(dir)
	platform, err := protocol.Detect(string(config.Platform), os.Getenv)
	if err != nil && wrong == nil { // else the wrong configuration may be the reason
		fmt.Fprintf(stderr, "bootstrap: %v\n", err)
		return exitUsage
	}
	b := newBuilder(config, platform, dir, io.Discard)
	defer b.closeLogs()
	if err == nil {
		wrong = errors.Join(wrong, b.validate())
	}
	found, nearest := unknownOptions(os.Environ())
	for i, name := range found { // without its value, which may be for a private option
		fmt.Fprintf(stdout, "warning: unknown option: %s (%s): did you mean %s?\n", name, config.Origin(name), nearest[i])
	}
	if wrong == nil {
		return exitStopped
	}
	fmt.Fprintf(stdout, "error: %s\n", strings.ReplaceAll(b.mask.Hide(wrong.Error()), "\n", "\nerror: "))
	return exitUsage
}
