package main

import "embed"

// embedded is the folder into which make puts the runtime.
//
//go:embed runtime
var embedded embed.FS

// carriedRuntime returns the embedded runtime for an architecture, or nil.
func carriedRuntime(arch string) []byte {
	program, err := embedded.ReadFile("runtime/bootstrap-" + arch)
	if err != nil {
		return nil
	}
	return program
}
