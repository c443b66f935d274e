package main

import "embed"

// embedded is the folder in which make puts the runtime.
//
//go:embed runtime
var embedded embed.FS

// carriedRuntime returns the runtime that we carry for an architecture; nil:
// none.
func carriedRuntime(arch string) []byte {
	program, err := embedded.ReadFile("runtime/bootstrap-" + arch)
	if err != nil {
		return nil
	}
	return program
}
