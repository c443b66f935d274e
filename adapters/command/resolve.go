// Package command resolves a command line or a handler to a program or a function,
// and says why a program cannot run.
package command

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

// Resolve returns what a command, or else a handler, means in the code folder dir.
// It starts nothing. The error is a *protocol.Failure.
func Resolve(command, handler, dir string) (Target, error) {
	switch {
	case command != "":
		args, err := Arguments(command)
		if err != nil {
			return Target{}, notFound("BOOTSTRAP_COMMAND: %v", err)
		}
		return Target{Args: args}, nil
	case handler == "":
		return Target{}, notFound("no handler is set: set the function's handler, or BOOTSTRAP_COMMAND")
	case !filepath.IsLocal(handler):
		return Target{}, notFound("handler %q is outside the code folder %s: to run it, set BOOTSTRAP_COMMAND", handler, dir)
	}
	if file := filepath.Join(dir, handler); Exists(file) {
		return Target{Args: []string{file}}, nil
	}
	return resolveFunction(handler, dir)
}

// Find returns the program that a command such as BOOTSTRAP_COMMAND means in the
// folder dir with that PATH, and its arguments, its name first. The error
// quotes nothing of the command but the name of the program.
func Find(command, dir, path string) (program string, args []string, err error) {
	if args, err = Arguments(command); err != nil {
		return "", nil, err
	}
	program, err = FindProgram(args[0], dir, path)
	if err != nil {
		return "", nil, WithoutType(err)
	}
	return program, args, nil
}

// WithoutType returns the message of a failure as an error, for a failure of another
// type that quotes it. It returns any other error as it is.
func WithoutType(err error) error {
	if f, ok := errors.AsType[*protocol.Failure](err); ok {
		return errors.New(f.Message)
	}
	return err
}

// Arguments returns the arguments of a command, its name first. A JSON array lists
// them. Any other text is a line for the shell; Arguments never splits it itself.
// The error does not quote the command.
func Arguments(command string) ([]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(command), "[") {
		return lineArguments(command), nil
	}
	var args []string
	err := json.Unmarshal([]byte(command), &args)
	if err == nil && (len(args) == 0 || args[0] == "") {
		err = errors.New("the name of the program is missing")
	}
	if err != nil {
		return nil, fmt.Errorf(`it begins with [ but is not a JSON array of strings such as ["jq", "."]: %v`, err)
	}
	return args, nil
}

// scripts are the files that can hold a function, in the order in which they are
// tried.
var scripts = []struct{ extension, interpreter string }{
	{".sh", "bash"}, {".py", "python3"}, {".js", "node"}, {".mjs", "node"}, {".cjs", "node"},
}

// Extensions returns the extensions of scripts, in the order in which they are
// tried.
func Extensions() (all []string) {
	for _, s := range scripts {
		all = append(all, s.extension)
	}
	return all
}

// Interpreter returns the name of the program that runs the functions of a
// script. It is empty for any other file.
func Interpreter(file string) string {
	for _, s := range scripts {
		if s.extension == filepath.Ext(file) {
			return s.interpreter
		}
	}
	return ""
}

// resolveFunction reads "file.function", the file without its extension. Both may
// have dots: if several files fit, it uses the one with the longest name.
func resolveFunction(handler, dir string) (Target, error) {
	last, base := strings.LastIndexByte(handler, '.'), strings.LastIndexByte(handler, '/')+1
	if last <= base || last == len(handler)-1 {
		if why := whyUnusable(handler, dir); why != "" {
			return Target{}, notFound("handler %q: %s", handler, why)
		}
		return Target{}, notFound("handler %q: no such file in %s, and it is not of the form file.function%s", handler, dir, suggestHandler(handler, dir))
	}
	for dot := last; dot > base; dot = strings.LastIndexByte(handler[:dot], '.') {
		for _, script := range candidates(handler[:dot]) {
			if file := filepath.Join(dir, script); Exists(file) {
				return Target{File: file, Function: handler[dot+1:]}, nil
			}
		}
	}
	if why := whyUnusable(handler, dir); why != "" {
		return Target{}, notFound("handler %q: %s", handler, why)
	}
	var tried []string
	for _, extension := range Extensions() {
		tried = append(tried, handler[:last]+extension)
	}
	return Target{}, notFound("handler %q: found neither a program %q nor one of the scripts %q in %s%s", handler, handler, tried, dir, suggestHandler(handler, dir))
}

// candidates lists the files that a name without its extension may mean: also
// Python's modules in packages, packages, and the index of a folder for Node.
func candidates(name string) (files []string) {
	for _, extension := range Extensions() {
		files = append(files, name+extension)
	}
	module := strings.ReplaceAll(name, ".", "/")
	return append(files, module+".py", module+"/__init__.py", name+"/index.js")
}

// Exists reports whether a file exists and its path can be searched.
func Exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func notFound(format string, args ...any) *protocol.Failure {
	return protocol.Failuref("Runtime.HandlerNotFound", format, args...)
}
