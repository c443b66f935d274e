package main

import "embed"

// carried is the folder in which make puts the runtime.
//
//go:embed runtime
var carried embed.FS

// carriedRuntime returns the runtime that we carry for an architecture; nil:
// none.
func carriedRuntime(arch string) []byte {
	program, err := carried.ReadFile("runtime/bootstrap-" + arch)
	if err != nil {
		return nil
	}
	return program
}
