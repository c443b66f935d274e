package adapters

import (
	"cmp"
	_ "embed"
	"path/filepath"

	"bootstrap/adapters/command"
	"bootstrap/protocol"
)

//go:embed hosts/bash.sh
var bashHost string

//go:embed hosts/sh.sh
var shHost string

//go:embed hosts/start.py
var pythonStart string

//go:embed hosts/python.py
var pythonHost string

//go:embed hosts/start.js
var nodeStart string

//go:embed hosts/node.js
var nodeHost string

// A language is a language whose functions run in a resident host. All hosts except
// those for shells speak the frames of workers.
type language struct {
	interpreter string // searched for in PATH
	flag        string // says that the next argument is code
	start       string // code that runs the host, the argument after it; empty: the host is the code
	host        string
	sharesFlags bool // all events share the flags of stdin, stdout and stderr, which its host cannot reset
}

var languages = []language{
	{"bash", "-c", "", bashHost, false},
	{"python3", "-c", pythonStart, pythonHost, false},
	{"node", "-e", nodeStart, nodeHost, true},
}

// languageOf returns the language of a script, or nil.
func languageOf(script string) *language {
	for i := range languages {
		if languages[i].interpreter == command.Interpreter(script) {
			return &languages[i]
		}
	}
	return nil
}

// findInterpreter returns the path of the interpreter for a script.
func (fn *function) findInterpreter(l *language, script string) (string, error) {
	name := cmp.Or(fn.settings.Interpreters[l.interpreter], l.interpreter)
	path, err := fn.findProgram(name)
	if err != nil {
		return "", protocol.Failuref("Runtime.NoInterpreter", "cannot load %s: %v", script, command.WithoutType(err))
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil && filepath.Base(resolved) == "deno" {
		return "", protocol.Failuref("Runtime.NoInterpreter", "%s is deno, not Node: set BOOTSTRAP_NODE to the path of Node, or write a worker for deno (BOOTSTRAP_ADAPTER=worker and BOOTSTRAP_COMMAND)", path)
	}
	return path, nil
}
