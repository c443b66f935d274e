package adapters

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bootstrap/protocol"
)

// A Target is what to run: a program, or a function in a file.
type Target struct {
	Args     []string // of the program, its name first; nil: a function
	File     string   // the script with the function, absolute
	Function string   // its name
}

// Resolve says what a command, or else a handler, means in the code folder
// dir. It only looks. The error is a *protocol.Failure.
func Resolve(command, handler, dir string) (Target, error) {
	switch {
	case command != "":
		return resolveCommand(command)
	case handler == "":
		return Target{}, notFound("no handler is set: set the function's handler, or BOOTSTRAP_COMMAND")
	case !filepath.IsLocal(handler):
		return Target{}, notFound("handler %q is outside the code folder %s: to run it, set BOOTSTRAP_COMMAND", handler, dir)
	}
	if file := filepath.Join(dir, handler); exists(file) {
		return Target{Args: []string{file}}, nil
	}
	return resolveFunction(handler, dir)
}

// resolveCommand: a JSON array is a list of arguments, all else is for the
// shell. We never split a string ourselves.
func resolveCommand(command string) (Target, error) {
	if !strings.HasPrefix(strings.TrimSpace(command), "[") {
		return Target{Args: []string{"/bin/sh", "-c", command, "sh"}}, nil
	}
	var args []string
	err := json.Unmarshal([]byte(command), &args)
	if err == nil && (len(args) == 0 || args[0] == "") {
		err = errors.New("it names no program")
	}
	if err != nil { // the command itself may hold a secret
		return Target{}, notFound(`BOOTSTRAP_COMMAND begins with [ but is not a JSON array of strings such as ["jq", "."]: %v`, err)
	}
	return Target{Args: args}, nil
}

// resolveFunction reads "file.function", the file without its extension.
func resolveFunction(handler, dir string) (Target, error) {
	dot := strings.LastIndexByte(handler, '.')
	if dot <= 0 || dot == len(handler)-1 {
		return Target{}, notFound("handler %q: no such file in %s, and it is not of the form file.function", handler, dir)
	}
	base, name := filepath.Join(dir, handler[:dot]), handler[dot+1:]
	if exists(base + ".sh") {
		return Target{File: base + ".sh", Function: name}, nil
	}
	for _, other := range [][2]string{{".py", "python3"}, {".js", "node"}, {".mjs", "node"}, {".cjs", "node"}} {
		if ext, interpreter := other[0], other[1]; exists(base + ext) {
			script := handler[:dot] + ext
			return Target{}, notFound("handler %q: a function in %q cannot be called, only one in %q: make it a program that reads the event from stdin and set BOOTSTRAP_COMMAND to %q",
				handler, script, handler[:dot]+".sh", interpreter+" "+script)
		}
	}
	return Target{}, notFound("handler %q: neither a program %q nor a script %q in %s", handler, handler, handler[:dot]+".sh", dir)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func notFound(format string, args ...any) *protocol.Failure {
	return &protocol.Failure{Type: "Runtime.HandlerNotFound", Message: fmt.Sprintf(format, args...)}
}
