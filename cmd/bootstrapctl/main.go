// Command bootstrapctl is the developer's tool: it runs functions on a local
// platform, with the runtime that would be uploaded.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"bootstrap/cmd/internal/version"
)

// Exit statuses.
const (
	exitResult  = 0 // all went well
	exitFailure = 1 // the function failed
	exitUsage   = 2 // wrong usage
)

const usage = `bootstrapctl runs cloud functions on this machine.

  bootstrapctl invoke [flags]   send an event to the function in a folder and print its result
  bootstrapctl version
  bootstrapctl help

"bootstrapctl invoke -h" lists the flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	command := "no command"
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "invoke":
		return invoke(ctx, args[1:], stdin, stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, version.String())
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprintf(stderr, "bootstrapctl: cannot run %q\n\n%s", command, usage)
		return exitUsage
	}
	return exitResult
}
