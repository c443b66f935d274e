package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"bootstrap/examples"
)

// kinds lists the functions that init writes, and the folder of each in examples.
var kinds = []struct{ name, example, text string }{
	{"sh", "shell", "a function in bash"},
	{"python", "python", "a function in Python"},
	{"node", "node", "a function in JavaScript"},
	{"tool", "cli", "a program of the system, without any code"},
	{"worker", "worker", "a program that keeps running between events"},
	{"sidecar", "sidecar", "a function in Python, and a program that runs beside it"},
}

func initText() string {
	var b strings.Builder
	b.WriteString("Write a small function, with an event and a README, into a folder (default: this one).\nKIND is one of\n\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "  %-9s %s\n", k.name, k.text)
	}
	b.WriteString("\nThe default is sh. Existing files are not changed.")
	return b.String()
}

// initialize writes the files of an example into a folder.
func initialize(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("init", "[KIND] [DIR]", initText(), stderr)
	rest, status, ok := parse(flags, args)
	if !ok {
		return status
	}
	example, dir, err := kindAndFolder(rest)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl init: %v\n", err)
		return exitUsage
	}
	files, err := template(example)
	if err == nil {
		err = writeNew(dir, files)
	}
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl init: %v\n", err)
		return exitFailure
	}
	p := newPainter(stdout)
	for _, f := range files {
		fmt.Fprintf(p, "  %s %s\n", p.green("wrote"), filepath.Join(dir, filepath.FromSlash(f.name)))
	}
	fmt.Fprintf(p, "\n%s\n\n%s", p.bold("Next:"), next(dir))
	return exitResult
}

// next returns the commands to run after init.
func next(dir string) string {
	invoke, folder := []string{"invoke"}, []string(nil)
	if dir != "." {
		invoke, folder = append(invoke, "-dir", dir), []string{dir}
	}
	invoke = append(invoke, "-event-file", path.Join(filepath.ToSlash(dir), "event.json"))
	var b strings.Builder
	for _, command := range [][]string{invoke, append([]string{"doctor"}, folder...), append([]string{"pack"}, folder...)} {
		fmt.Fprintf(&b, "  bootstrapctl %s\n", quote(command...))
	}
	return b.String()
}

// kindAndFolder returns the example and the folder that the arguments name.
func kindAndFolder(rest []string) (example, dir string, err error) {
	if len(rest) == 0 {
		rest = []string{kinds[0].name}
	}
	for _, k := range kinds {
		if k.name == rest[0] {
			dir, err = singleArgument(rest[1:], ".")
			return k.example, dir, err
		}
	}
	if len(rest) == 1 { // only a folder
		if strings.ContainsAny(rest[0], "./\\") {
			return kinds[0].example, rest[0], nil
		}
		return "", "", fmt.Errorf("%q is not a kind of function: expected sh, python, node, tool, worker or sidecar (for a folder: ./%s)", rest[0], rest[0])
	}
	return "", "", fmt.Errorf("%q is not a kind of function: expected sh, python, node, tool, worker or sidecar", rest[0])
}

// A newFile is a file to write.
type newFile struct {
	name string // with slashes
	mode fs.FileMode
	data []byte
}

// template returns the files of an example, with the README rewritten by relocate.
func template(example string) (files []newFile, err error) {
	err = fs.WalkDir(examples.Files, example, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := examples.Files.ReadFile(file)
		if err != nil {
			return err
		}
		f := newFile{name: strings.TrimPrefix(file, example+"/"), mode: 0o644, data: data}
		if bytes.HasPrefix(data, []byte("#!")) {
			f.mode = 0o755
		}
		if path.Ext(file) == ".md" {
			f.data = relocate(data, example)
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

var (
	outsideLink = regexp.MustCompile(`\[([^\]]*)\]\(\.\./[^)]*\)`)
	anyPath     = regexp.MustCompile(`( -dir)? examples/[a-z]+(/[a-z.]+)?`)
)

// relocate rewrites the paths in an example's README, so that its commands work in
// the README's own folder.
func relocate(text []byte, example string) []byte {
	text = outsideLink.ReplaceAll(text, []byte("$1"))
	text = anyPath.ReplaceAllFunc(text, func(found []byte) []byte {
		if bytes.HasPrefix(found, []byte(" -dir")) {
			return nil
		}
		return append([]byte(" "), bytes.TrimPrefix(found, []byte(" examples/"+example+"/"))...)
	})
	return text
}

// writeNew writes the files, or none of them if one exists already.
func writeNew(dir string, files []newFile) error {
	var there []error
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.name))); err == nil {
			there = append(there, fmt.Errorf("cannot write %s: it exists", filepath.Join(dir, filepath.FromSlash(f.name))))
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%w\nuse another folder: bootstrapctl init KIND DIR", errors.Join(there...))
	}
	for _, f := range files {
		if err := f.write(dir); err != nil {
			return err
		}
	}
	return nil
}

func (f *newFile) write(dir string) error {
	file := filepath.Join(dir, filepath.FromSlash(f.name))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.mode)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	_, err = out.Write(f.data)
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	return nil
}
