package adapters

import (
	"bootstrap/adapters/command"
	_ "embed"
)

//go:embed hosts/bash.sh
var bashHost string

//go:embed hosts/sh.sh
var shHost string

//go:embed hosts/python.py
var pythonHost string

//go:embed hosts/node.js
var nodeHost string

// A language is one whose functions a resident host calls. All but shells speak
// the frames of workers.
type language struct {
	interpreter string // searched for in PATH
	flag        string // that the host is the next argument
	host        string
}

var languages = []language{
	{"bash", "-c", bashHost},
	{"python3", "-c", pythonHost},
	{"node", "-e", nodeHost},
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
