//go:build !linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
)

// invoke and runLocal print that they need Linux, and how to run them in Docker.
func invoke(_ context.Context, args []string, _ io.Reader, _, stderr io.Writer) int {
	return refuseSystem("invoke", args, stderr)
}

func runLocal(_ context.Context, args []string, _ io.Reader, _, stderr io.Writer) int {
	return refuseSystem("local", args, stderr)
}

func refuseSystem(command string, args []string, stderr io.Writer) int {
	folder, err := os.Getwd()
	if err != nil {
		folder = "."
	}
	fmt.Fprint(stderr, needsLinux(runtime.GOARCH, folder, command, args))
	return exitUsage
}
