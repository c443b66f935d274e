//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
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
	version string   // empty if not known
	from    string   // its origin, for people
	memory  *os.File // holds it in memory; nil if it is a file on disk
	other   bool     // it is another build of our runtime
}

func (p *program) String() string {
	name := p.from
	if p.version != "" {
		name = "bootstrap " + p.version + " (" + p.from + ")"
	}
	return name
}

// Close frees a runtime in memory.
func (p *program) Close() {
	if p.memory != nil {
		p.memory.Close()
	}
}

// findRuntime returns the runtime to run: the given command, else bootstrap in the
// function's folder, which would be uploaded, else the one in bootstrapctl.
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

// programOrShell returns the full path of a program, if the command is one, else
// the command as a line for the shell, which runs in the function's folder.
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

// versionOf runs a build of our runtime to get its version.
func versionOf(ctx context.Context, path string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "unknown" // built for another processor: its start will report that
	}
	return string(bytes.TrimSpace(text))
}

func isCarried(path string) bool {
	ours := carriedRuntime(runtime.GOARCH)
	theirs, err := os.ReadFile(path)
	return ours == nil || err == nil && bytes.Equal(ours, theirs)
}

// ownRuntime returns the runtime that is embedded in this program, or builds it.
func ownRuntime(ctx context.Context) (*program, error) {
	var text io.Reader
	text, err := openCarried(runtime.GOARCH)
	from := "the one in bootstrapctl"
	if err != nil {
		built, err := buildRuntime(ctx)
		if err != nil {
			return nil, err
		}
		text, from = bytes.NewReader(built), "built from source"
	}
	file, err := inMemory(text)
	if err != nil {
		return nil, fmt.Errorf("cannot load the runtime into memory: %w; put bootstrap into the function's folder", err)
	}
	path := filepath.Join("/proc", strconv.Itoa(os.Getpid()), "fd", strconv.Itoa(int(file.Fd())))
	return &program{args: []string{path}, version: version.String(), from: from, memory: file}, nil
}

// inMemory returns a file without a name, which the kernel removes when this process
// exits, even after SIGKILL.
func inMemory(text io.Reader) (*os.File, error) {
	fd, err := unix.MemfdCreate("bootstrap", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("bootstrap", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, err
	}
	writer := os.NewFile(uintptr(fd), "bootstrap")
	defer writer.Close() // a program that is open for writing cannot be run
	if _, err := io.Copy(writer, text); err != nil {
		return nil, err
	}
	return os.Open(filepath.Join("/proc/self/fd", strconv.Itoa(fd)))
}

// buildRuntime builds the runtime from the source of this program, for a program
// that was built by "go build" and has no runtime embedded.
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

// sourceFolder returns the folder with the source of this program, or an empty
// string if it is not on this machine.
func sourceFolder() string {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(root, "cmd", "bootstrap", "main.go")); err != nil || !filepath.IsAbs(file) {
		return ""
	}
	return root
}
