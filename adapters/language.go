package adapters

import (
	_ "embed"
	"path/filepath"
)

//go:embed hosts/bash.sh
var bashHost string

//go:embed hosts/sh.sh
var shHost string

//go:embed hosts/python.py
var pythonHost string

//go:embed hosts/node.js
var nodeHost string

// A language is one whose functions a resident host calls.
type language struct {
	extension   string // of a script
	interpreter string // searched for in PATH
	flag        string // that the host is the next argument
	host        string
}

// languages are in the order in which scripts are looked for. All but shells
// speak the frames of workers.
var languages = []language{
	{".sh", "bash", "-c", bashHost},
	{".py", "python3", "-c", pythonHost},
	{".js", "node", "-e", nodeHost},
	{".mjs", "node", "-e", nodeHost},
	{".cjs", "node", "-e", nodeHost},
}

// languageOf is that of a script.
func languageOf(script string) *language {
	for i := range languages {
		if languages[i].extension == filepath.Ext(script) {
			return &languages[i]
		}
	}
	return nil
}

// Interpreter returns the name of the program that runs the functions of a
// script; empty: there is none for such a file.
func Interpreter(script string) string {
	if l := languageOf(script); l != nil {
		return l.interpreter
	}
	return ""
}
