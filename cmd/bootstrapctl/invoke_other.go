//go:build !linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// invoke says what it needs: the runtime is a program for Linux.
func invoke(_ context.Context, args []string, _ io.Reader, _, stderr io.Writer) int {
	folder, err := os.Getwd()
	if err != nil {
		folder = "."
	}
	fmt.Fprintf(stderr, `bootstrapctl invoke runs the runtime, which needs Linux. With Docker, and with
bootstrapctl-linux-%[1]s of this release in this folder:

  docker run --rm -v "%[2]s:/function" -w /function debian:stable-slim ./bootstrapctl-linux-%[1]s invoke %[3]s

The image must have what the function needs, such as python:3 or node:22.
`, runtime.GOARCH, folder, strings.Join(args, " "))
	return exitUsage
}
