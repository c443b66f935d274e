//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/deployfile"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// A localFunction is a function to create.
type localFunction struct {
	settings local.Settings
	code     local.Code
	notes    []string // what the deploy file asks for and is not done here
}

// ofFile lists the flags whose values a deploy file gives.
var ofFile = []string{"platform", "handler", "timeout", "memory"}

// functions returns the functions that the arguments or the deploy file name.
func (l *localRun) functions(flags *flag.FlagSet, platform *protocol.Platform, args []string) ([]localFunction, error) {
	if l.file == "" && len(args) == 0 {
		l.file = deployfile.Find(".")
	}
	if l.file == "" {
		return l.fromArguments(platform, args)
	}
	var wrong []error
	if len(args) > 0 {
		wrong = append(wrong, fmt.Errorf("cannot use %q beside the deploy file %s: name either folders or the file", args, l.file))
	}
	for _, name := range ofFile {
		if isSet(flags, name) {
			wrong = append(wrong, fmt.Errorf("cannot use -%s, as %s sets it; to run the folder without that file, give the folder as an argument, as in \"bootstrapctl local .\"", name, l.file))
		}
	}
	all, err := l.fromFile()
	return all, joinLines(append(wrong, err)...)
}

// fromArguments returns the functions in folders and zips.
func (l *localRun) fromArguments(platform *protocol.Platform, args []string) (all []localFunction, err error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var wrong []error
	for _, path := range args {
		absolute, err := filepath.Abs(path)
		if err == nil {
			_, err = os.Stat(absolute)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("cannot read %s: expected a folder or a zip: %w", path, err))
			continue
		}
		all = append(all, localFunction{
			settings: local.Settings{
				Name: functionName(absolute), Platform: platform, Handler: l.handler, Timeout: l.timeout, MemoryMB: l.memory, Env: l.env,
			},
			code: local.Code{Path: absolute},
		})
	}
	return all, joinLines(wrong...)
}

// functionName derives the name of a function from the name of its folder or zip.
func functionName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".zip")
	name = strings.Map(func(r rune) rune {
		if isLetter(r) || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	if name == "" || !isLetter(rune(name[0])) {
		name = "f" + name
	}
	return name[:min(len(name), 60)]
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// fromFile returns the functions of the deploy file.
func (l *localRun) fromFile() (all []localFunction, err error) {
	file, err := deployfile.Read(l.file, os.Getenv)
	if err != nil {
		return nil, err
	}
	for _, fn := range file.Functions {
		platform, err := protocol.Detect(fn.Platform, os.Getenv)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", l.file, fn.Line, err)
		}
		all = append(all, localFunction{
			settings: local.Settings{
				Name: fn.Name, Platform: platform, Handler: fn.Handler, Runtime: fn.Runtime, Timeout: fn.Timeout, InitTimeout: fn.InitTimeout,
				MemoryMB: fn.MemoryMB, Env: mergeEnv(fn.Env, l.env), Instances: fn.Concurrency, Triggers: triggersOf(fn),
			},
			code: local.Code{Path: fn.Code},
		})
	}
	if len(all) == 0 {
		return nil, errors.New(l.file + " has no function")
	}
	for _, note := range file.Notes {
		all[0].notes = append(all[0].notes, fmt.Sprintf("%s:%d: %s", l.file, note.Line, note.Text))
	}
	return all, nil
}

// mergeEnv returns the variables of a file and of flags. A flag replaces a variable
// of the file.
func mergeEnv(file, flags []string) (all []string) {
	set := map[string]bool{}
	for _, v := range flags {
		name, _, _ := strings.Cut(v, "=")
		set[name] = true
	}
	for _, v := range file {
		if name, _, _ := strings.Cut(v, "="); !set[name] {
			all = append(all, v)
		}
	}
	return append(all, flags...)
}

func triggersOf(fn deployfile.Function) (all []local.Trigger) {
	for i, t := range fn.Triggers {
		if t.Gateway == "url" { // a function URL speaks the HTTP API's format
			t.Gateway = "aws-v2"
		}
		if t.Name == "" {
			t.Name = fmt.Sprintf("%s-%d", t.Kind, i+1)
		}
		all = append(all, local.Trigger{
			Kind: t.Kind, Name: t.Name, Enabled: t.Enabled,
			Gateway: t.Gateway, Method: t.Method, Path: t.Path, Integrated: t.Integrated, Base64: t.Base64, Stage: t.Stage,
			Cron: t.Cron, Argument: t.Argument,
		})
	}
	return all
}
