//go:build !linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
)

// invoke says what it needs.
func invoke(_ context.Context, args []string, _ io.Reader, _, stderr io.Writer) int {
	folder, err := os.Getwd()
	if err != nil {
		folder = "."
	}
	fmt.Fprint(stderr, needsLinux(runtime.GOARCH, folder, args))
	return exitUsage
}
