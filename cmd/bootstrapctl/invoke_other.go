//go:build !linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
)

// invoke prints that it needs Linux, and how to run it in Docker.
func invoke(_ context.Context, args []string, _ io.Reader, _, stderr io.Writer) int {
	folder, err := os.Getwd()
	if err != nil {
		folder = "."
	}
	fmt.Fprint(stderr, needsLinux(runtime.GOARCH, folder, args))
	return exitUsage
}
