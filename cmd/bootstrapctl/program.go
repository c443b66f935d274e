//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"bootstrap/cmd/internal/version"

	"golang.org/x/sys/unix"
)

// A program is the runtime that a session runs.
type program struct {
	args    []string
	version string   // empty: not known
	from    string   // where it is from, for people
	memory  *os.File // that holds it; nil: it is a file of somebody else's
	other   bool     // it is ours, but not the one that we carry
}

func (p *program) String() string {
	name := p.from
	if p.version != "" {
		name = "bootstrap " + p.version + " (" + p.from + ")"
	}
	return name
}

// Close forgets a runtime in memory.
func (p *program) Close() {
	if p.memory != nil {
		p.memory.Close()
	}
}

// findRuntime returns the runtime to run: the given command, else the bootstrap
// in the function's folder, as that is what would be uploaded, else ours.
func findRuntime(ctx context.Context, command, dir string) (*program, error) {
	if command != "" {
		return &program{args: programOrShell(command), from: command}, nil
	}
	uploaded, err := filepath.Abs(filepath.Join(dir, "bootstrap")) // it will run in dir
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(uploaded)
	if errors.Is(err, os.ErrNotExist) {
		return ownRuntime(ctx)
	}
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = fmt.Errorf("%s is not an executable file (mode %v): a platform would refuse it", uploaded, info.Mode())
	}
	p := &program{args: []string{uploaded}, from: filepath.Join(dir, "bootstrap")}
	if err == nil && isOurs(uploaded) {
		p.version = versionOf(ctx, uploaded)
		p.other = !isCarried(uploaded)
	}
	return p, err
}

// programOrShell: the path of a program, seen from here, or a line for the
// shell, which runs in the function's folder.
func programOrShell(command string) []string {
	if path, err := filepath.Abs(command); err == nil {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return []string{path}
		}
	}
	return []string{"/bin/sh", "-c", command}
}

// isOurs reports whether a file is a build of this project's runtime. Only
// those know the argument "version".
func isOurs(path string) bool {
	info, err := buildinfo.ReadFile(path)
	return err == nil && info.Path == "bootstrap/cmd/bootstrap"
}

// versionOf asks a runtime of ours for its version.
func versionOf(ctx context.Context, path string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "of another kind" // for another processor: its start will say so
	}
	return string(bytes.TrimSpace(text))
}

func isCarried(path string) bool {
	ours := carriedRuntime(runtime.GOARCH)
	theirs, err := os.ReadFile(path)
	return ours == nil || err == nil && bytes.Equal(ours, theirs)
}

// ownRuntime is the runtime that we carry, or build.
func ownRuntime(ctx context.Context) (*program, error) {
	text, from := carriedRuntime(runtime.GOARCH), "the one in bootstrapctl"
	if text == nil {
		var err error
		if text, err = buildRuntime(ctx); err != nil {
			return nil, err
		}
		from = "built from source"
	}
	file, err := inMemory(text)
	if err != nil {
		return nil, fmt.Errorf("cannot put the runtime into memory: %w; put bootstrap into the function's folder", err)
	}
	path := filepath.Join("/proc", strconv.Itoa(os.Getpid()), "fd", strconv.Itoa(int(file.Fd())))
	return &program{args: []string{path}, version: version.String(), from: from, memory: file}, nil
}

// inMemory returns a file without a name, so that nothing is left of it when
// this process is gone, however that happens.
func inMemory(text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("bootstrap", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("bootstrap", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, err
	}
	writer := os.NewFile(uintptr(fd), "bootstrap")
	defer writer.Close() // a program that is open for writing cannot be run
	if _, err := writer.Write(text); err != nil {
		return nil, err
	}
	return os.Open(filepath.Join("/proc/self/fd", strconv.Itoa(fd)))
}

// buildRuntime builds the runtime from the source that this program was built
// from, where "go build" left no runtime for us to carry.
func buildRuntime(ctx context.Context) ([]byte, error) {
	root := sourceFolder()
	if root == "" {
		return nil, errors.New(`this bootstrapctl has no runtime in it: build it with "make" in the project's folder, or put bootstrap into the function's folder`)
	}
	folder, err := os.MkdirTemp("", "bootstrapctl-")
	if err != nil {
		return nil, fmt.Errorf("cannot build the runtime: %w", err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/bootstrap")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build the runtime in %s: %s; run \"make\" there", root, cmp.Or(string(bytes.TrimSpace(text)), err.Error()))
	}
	return os.ReadFile(path)
}

// sourceFolder is the folder of the project that this program was built from;
// empty: it is not on this machine.
func sourceFolder() string {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(root, "cmd", "bootstrap", "main.go")); err != nil || !filepath.IsAbs(file) {
		return ""
	}
	return root
}
