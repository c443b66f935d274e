package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"bootstrap/internal/nearest"
	"bootstrap/protocol"
)

// A list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// invalid returns an error for each value that is not NAME=value.
func (l list) invalid() (all []error) {
	for _, v := range l {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			all = append(all, fmt.Errorf("-env %q: expected NAME=value", v))
		}
	}
	return all
}

// A deployment holds the settings of the function in the cloud, for doctor and pack.
// Its flags have the same names as those of invoke.
type deployment struct {
	platform, handler, arch string
	env                     list
	timeout                 time.Duration
}

func (d *deployment) flags(f *flag.FlagSet) {
	f.StringVar(&d.platform, "platform", protocol.SCF.Name, "scf, functiongraph or lambda")
	f.StringVar(&d.handler, "handler", "index.main_handler", "the function's handler, as set in the console")
	f.StringVar(&d.arch, "arch", "amd64", "the function's architecture: amd64 (x86_64) or arm64")
	durationFlag(f, &d.timeout, "timeout", 3*time.Second, "the function's time limit")
	f.Var(&d.env, "env", "a variable of the function, `NAME=value`; may be repeated")
}

// check returns the platform, and an error that lists all invalid flags.
func (d *deployment) check() (*protocol.Platform, error) {
	wrong := d.env.invalid()
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

// A parsed is a flag whose error says what it expects.
type parsed[T any] struct {
	to       *T
	parse    func(string) (T, error)
	expected string
}

func (p parsed[T]) String() string {
	if p.to == nil { // package flag makes a zero value, to compare the default with it
		return ""
	}
	return fmt.Sprint(*p.to)
}

func (p parsed[T]) Set(text string) (err error) {
	value, err := p.parse(text)
	if err != nil {
		return errors.New("expected " + p.expected)
	}
	*p.to = value
	return nil
}

func durationFlag(f *flag.FlagSet, to *time.Duration, name string, initial time.Duration, usage string) {
	*to = initial
	f.Var(parsed[time.Duration]{to, time.ParseDuration, "a duration such as 60s"}, name, usage)
}

func numberFlag(f *flag.FlagSet, to *int, name string, initial int, usage string) {
	*to = initial
	f.Var(parsed[int]{to, strconv.Atoi, "a whole number"}, name, usage)
}

// isSet reports whether a flag was given.
func isSet(flags *flag.FlagSet, name string) (set bool) {
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// newFlags returns the flags of a subcommand. Its help is the text and a list of
// flags.
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

// parse parses the flags before and after the other arguments, and returns those.
// If ok is false, the program must exit with the status.
func parse(f *flag.FlagSet, args []string) (rest []string, status int, ok bool) {
	stderr, help := f.Output(), f.Usage
	f.SetOutput(io.Discard) // an error is one line, not the list of flags
	f.Usage = func() {}
	for {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(stderr)
			help()
			return nil, exitResult, false
		} else if err != nil {
			fmt.Fprintf(stderr, "%s: %s\n", f.Name(), explain(f, err))
			return nil, exitUsage, false
		}
		if f.NArg() == 0 {
			return rest, exitResult, true
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
}

const (
	unknownFlag = "flag provided but not defined: -"
	invalidFlag = "invalid value "
)

// explain rewrites an error of package flag, with the nearest name for an unknown
// flag.
func explain(f *flag.FlagSet, err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, unknownFlag); ok {
		var names []string
		f.VisitAll(func(other *flag.Flag) { names = append(names, "-"+other.Name) })
		return fmt.Sprintf("unknown flag -%s%s\n%q lists the flags", name, didYouMean("-"+name, names), f.Name()+" -h")
	}
	rest, ok := strings.CutPrefix(text, invalidFlag)
	value, rest, found := strings.Cut(rest, " for flag ")
	name, why, says := strings.Cut(rest, ": ")
	if ok && found && says {
		return fmt.Sprintf("%s %s: %s", name, value, why)
	}
	return text
}

// didYouMean returns a question with the nearest of the names, if one is near.
func didYouMean(name string, names []string) string {
	if near, ok := nearest.Of(name, names); ok {
		return fmt.Sprintf(": did you mean %s?", near)
	}
	return ""
}

func platformNames() (names []string) {
	for _, p := range protocol.Platforms {
		names = append(names, p.Name)
	}
	return names
}

// singleArgument returns the only argument, or a default if there is none.
func singleArgument(rest []string, otherwise string) (string, error) {
	switch len(rest) {
	case 0:
		return otherwise, nil
	case 1:
		return rest[0], nil
	}
	return "", fmt.Errorf("cannot use the arguments %q: expected one folder", rest)
}
