// Command bootstrapctl is the developer's tool: it writes functions, runs them
// on a local platform with the runtime that would be uploaded, and packs them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"bootstrap/cmd/bootstrapctl/internal/readonly"
	"bootstrap/cmd/internal/version"
)

// Exit statuses.
const (
	exitResult  = 0 // success
	exitFailure = 1 // the function failed, or doctor has found an error
	exitUsage   = 2 // wrong usage
)

// A subcommand is the first argument of bootstrapctl, such as "invoke".
type subcommand struct {
	name, arguments, summary string
	run                      func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int
}

// subcommands lists them in the order of the help text.
var subcommands []subcommand

func init() { // not an initializer, as help uses the table
	subcommands = []subcommand{
		{"init", "[KIND] [DIR]", "write a small function to start with", initialize},
		{"invoke", "[flags]", "run a function and send it an event", invoke},
		{"local", "[flags] [DIR | ZIP]", "serve functions for curl and SDKs", runLocal},
		{"event", "[PLATFORM [NAME]]", "print a sample event", printEvent},
		{"doctor", "[flags] [DIR | ZIP]", "find what would fail in the cloud", diagnose},
		{"pack", "[flags] [DIR]", "write the zip to upload", packFolder},
		{"version", "", "print the version", printVersion},
		{"help", "[COMMAND]", "print this text or help on a command", help},
	}
}

func main() {
	readonly.Main()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage())
		return exitUsage
	}
	name := withoutDashes(args[0])
	for _, c := range subcommands {
		if c.name == name {
			return c.run(ctx, args[1:], stdin, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "bootstrapctl: unknown command %q%s\n\"bootstrapctl help\" lists the commands\n", name, didYouMean(name, names()))
	return exitUsage
}

// withoutDashes returns the subcommand that a flag in its place means.
func withoutDashes(name string) string {
	switch name {
	case "-h", "-help", "--help":
		return "help"
	case "-v", "-version", "--version":
		return "version"
	}
	return name
}

// names returns the names of the subcommands.
func names() (all []string) {
	for _, c := range subcommands {
		all = append(all, c.name)
	}
	return all
}

func usage() string {
	var b strings.Builder
	b.WriteString("bootstrapctl writes, runs, checks and packs cloud functions on this machine.\n\n")
	for _, c := range subcommands {
		fmt.Fprintf(&b, "  bootstrapctl %-27s %s\n", strings.TrimSpace(c.name+" "+c.arguments), c.summary)
	}
	b.WriteString("\n\"bootstrapctl COMMAND -h\" lists the flags of a command.\n")
	return b.String()
}

func help(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && withoutDashes(args[0]) != "help" {
		return run(ctx, []string{args[0], "-h"}, stdin, stdout, stdout)
	}
	fmt.Fprint(stdout, usage())
	return exitResult
}

func printVersion(_ context.Context, _ []string, _ io.Reader, stdout, _ io.Writer) int {
	fmt.Fprintln(stdout, version.String())
	return exitResult
}
