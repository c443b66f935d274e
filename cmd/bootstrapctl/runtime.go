package main

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// carried is the folder in which make puts the runtime.
//
//go:embed runtime
var carried embed.FS

// findRuntime is the command line of the runtime to run: the given command,
// else the bootstrap in the function's folder, as that is what would be
// uploaded, else the one that we carry. cleanUp removes what it took.
func findRuntime(command, dir string) (args []string, cleanUp func(), err error) {
	cleanUp = func() {}
	if command != "" {
		return programOrShell(command), cleanUp, nil
	}
	uploaded, err := filepath.Abs(filepath.Join(dir, "bootstrap")) // it will run in dir
	if err != nil {
		return nil, cleanUp, err
	}
	info, err := os.Stat(uploaded)
	if errors.Is(err, os.ErrNotExist) {
		return unpackRuntime()
	}
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = fmt.Errorf("%s is not an executable file (mode %v): a platform would refuse it", uploaded, info.Mode())
	}
	return []string{uploaded}, cleanUp, err
}

// programOrShell: the path of a program, seen from here, or a line for the
// shell, which runs in the function's folder.
func programOrShell(command string) []string {
	if path, err := filepath.Abs(command); err == nil {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return []string{path}
		}
	}
	return []string{"/bin/sh", "-c", command}
}

// unpackRuntime puts the runtime that we carry where it can be run.
func unpackRuntime() (args []string, cleanUp func(), err error) {
	cleanUp = func() {}
	program, err := carried.ReadFile("runtime/bootstrap-" + runtime.GOARCH)
	if err != nil {
		return nil, cleanUp, errors.New("this bootstrapctl carries no runtime: build it with make, or put bootstrap into the function's folder")
	}
	folder, err := os.MkdirTemp("", "bootstrapctl-")
	if err != nil {
		return nil, cleanUp, fmt.Errorf("cannot unpack the runtime: %w", err)
	}
	cleanUp = func() { _ = os.RemoveAll(folder) } // ours alone
	path := filepath.Join(folder, "bootstrap")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		return nil, cleanUp, fmt.Errorf("cannot unpack the runtime: %w", err)
	}
	return []string{path}, cleanUp, nil
}

// carriedRuntime returns the runtime that we carry for an architecture; nil:
// none.
func carriedRuntime(arch string) []byte {
	program, err := carried.ReadFile("runtime/bootstrap-" + arch)
	if err != nil {
		return nil
	}
	return program
}
