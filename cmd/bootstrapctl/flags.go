package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bootstrap/protocol"
)

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// wrong returns what is not NAME=value.
func (l list) wrong() (all []error) {
	for _, v := range l {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			all = append(all, fmt.Errorf("-env %q: expected NAME=value", v))
		}
	}
	return all
}

// A deployment is what doctor and pack need to know of the function in the
// cloud. Its flags have the names of those of invoke.
type deployment struct {
	platform, handler, arch string
	env                     list
	timeout                 time.Duration
}

func (d *deployment) flags(f *flag.FlagSet) {
	f.StringVar(&d.platform, "platform", protocol.SCF.Name, "scf, functiongraph or lambda")
	f.StringVar(&d.handler, "handler", "index.main_handler", "the function's handler, as set in the console")
	f.StringVar(&d.arch, "arch", "amd64", "the function's architecture: amd64 (x86_64) or arm64")
	f.DurationVar(&d.timeout, "timeout", 3*time.Second, "the function's time limit")
	f.Var(&d.env, "env", "a variable of the function, `NAME=value`; may be repeated")
}

// check returns the platform, and all that is wrong with the flags.
func (d *deployment) check() (*protocol.Platform, error) {
	wrong := d.env.wrong()
	platform, err := protocol.Detect(d.platform, os.Getenv)
	if err != nil || d.platform == "" {
		wrong = append(wrong, fmt.Errorf("-platform %q: expected scf, functiongraph or lambda", d.platform))
	}
	switch d.arch {
	case "amd64", "arm64":
	case "x86_64":
		d.arch = "amd64"
	case "aarch64":
		d.arch = "arm64"
	default:
		wrong = append(wrong, fmt.Errorf("-arch %q: expected amd64 or arm64", d.arch))
	}
	if d.timeout <= 0 {
		wrong = append(wrong, errors.New("-timeout must be more than 0"))
	}
	return platform, errors.Join(wrong...)
}

// newFlags returns the flags of a subcommand, whose help is a line and a list.
func newFlags(command, arguments, text string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("bootstrapctl "+command, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintf(stderr, "Usage: bootstrapctl %s\n\n%s\n", strings.TrimSpace(command+" "+arguments), text)
		some := false
		f.VisitAll(func(*flag.Flag) { some = true })
		if some {
			fmt.Fprintln(stderr)
			f.PrintDefaults()
		}
	}
	return f
}

// parse parses flags before and behind the other arguments, which it returns.
// The status is that to exit with where ok is false.
func parse(f *flag.FlagSet, args []string) (rest []string, status int, ok bool) {
	for {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, exitResult, false
		} else if err != nil {
			return nil, exitUsage, false
		}
		if f.NArg() == 0 {
			return rest, exitResult, true
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
}

// only returns the single argument, or otherwise its default.
func only(rest []string, otherwise string) (string, error) {
	switch len(rest) {
	case 0:
		return otherwise, nil
	case 1:
		return rest[0], nil
	}
	return "", fmt.Errorf("cannot use the arguments %q: expected one folder", rest)
}
