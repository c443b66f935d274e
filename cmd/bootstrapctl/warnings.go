//go:build linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bootstrap/adapters/command"
	"bootstrap/cmd/internal/version"
	"bootstrap/protocol"
)

// warnings returns warnings of what may surprise, here or in the cloud.
func (in *invocation) warnings(platform *protocol.Platform, runtime *program) (all []string) {
	for _, find := range []func(*protocol.Platform, *program) string{
		in.shellVariables, in.unusedProcfile, in.otherRuntime, in.severalScripts, in.oneAtATime, in.unreadable,
	} {
		if warning := find(platform, runtime); warning != "" {
			all = append(all, warning)
		}
	}
	return all
}

// shellVariables warns of options in our own environment, which the function does
// not get.
func (in *invocation) shellVariables(*protocol.Platform, *program) string {
	var names []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "BOOTSTRAP_") && !in.sets(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s of this shell does not reach the function; to pass it on: -env %s=…", strings.Join(names, ", "), names[0])
}

// sets reports whether the function has a variable, by a flag or by its
// bootstrap.env.
func (in *invocation) sets(name string) bool {
	if slices.ContainsFunc(in.env, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
		return true
	}
	text, err := os.ReadFile(filepath.Join(in.dir, "bootstrap.env"))
	return err == nil && bytes.Contains(append([]byte("\n"), text...), []byte("\n"+name+"="))
}

func (in *invocation) unusedProcfile(*protocol.Platform, *program) string {
	if _, err := os.Stat(filepath.Join(in.dir, "Procfile")); err != nil || in.sets("BOOTSTRAP_SIDECARS") {
		return ""
	}
	return "the Procfile has no effect without BOOTSTRAP_SIDECARS=Procfile"
}

func (in *invocation) otherRuntime(_ *protocol.Platform, runtime *program) string {
	if !runtime.other {
		return ""
	}
	return fmt.Sprintf("%s is version %s, bootstrapctl has version %s: the one in the folder runs, but \"bootstrapctl pack\" puts in its own",
		runtime.from, runtime.version, version.String())
}

// severalScripts warns if a handler matches several scripts, of which the first one
// runs.
func (in *invocation) severalScripts(*protocol.Platform, *program) string {
	base := in.handler
	if i := strings.LastIndexByte(base, '.'); i > 0 {
		base = base[:i]
	}
	var found []string
	for _, extension := range command.Extensions() {
		if info, err := os.Stat(filepath.Join(in.dir, base+extension)); err == nil && info.Mode().IsRegular() {
			found = append(found, base+extension)
		}
	}
	if len(found) < 2 || in.sets("BOOTSTRAP_COMMAND") {
		return ""
	}
	return fmt.Sprintf("the handler matches several scripts: %s runs, not %s", found[0], strings.Join(found[1:], " or "))
}

func (in *invocation) oneAtATime(platform *protocol.Platform, _ *program) string {
	const option = "BOOTSTRAP_CONCURRENCY"
	if in.concurrency == 1 || platform.Concurrency != "" || in.sets(option) {
		return ""
	}
	return fmt.Sprintf("the runtime serves one event at a time: %s does not tell it to serve more; pass -env %s=%d", platform.Title, option, in.concurrency)
}

// maxFiles bounds the number of files that unreadable checks.
const maxFiles = 10_000

// unreadable warns of files that only their owner can read.
func (in *invocation) unreadable(*protocol.Platform, *program) string {
	first, number, seen := "", 0, 0
	top := in.dir + string(filepath.Separator) // so that WalkDir follows a link
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxFiles {
			return filepath.SkipAll // the runtime reports files that it cannot read
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err == nil && path != top && (info.Mode().IsRegular() || info.IsDir()) && info.Mode()&0o004 == 0 {
			first, number = cmp.Or(first, fmt.Sprintf("%s (mode %04o)", path, info.Mode().Perm())), number+1
		}
		return nil
	})
	switch {
	case number == 0:
		return ""
	case number > 1:
		first = fmt.Sprintf("%s and %d more", first, number-1)
	}
	return "the platform runs functions as another user, who cannot read " + first + `: "bootstrapctl pack" corrects it, or chmod`
}
