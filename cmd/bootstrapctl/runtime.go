package main

import (
	"embed"
	"io/fs"
)

// embedded is the folder into which make puts the runtime.
//
//go:embed runtime
var embedded embed.FS

// carriedRuntime returns the embedded runtime for an architecture, or nil.
func carriedRuntime(arch string) []byte {
	program, err := embedded.ReadFile(carriedName(arch))
	if err != nil {
		return nil
	}
	return program
}

// openCarried opens the embedded runtime for an architecture, without a copy of it.
func openCarried(arch string) (fs.File, error) { return embedded.Open(carriedName(arch)) }

func carriedName(arch string) string { return "runtime/bootstrap-" + arch }
