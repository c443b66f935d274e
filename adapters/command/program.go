package command

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"bootstrap/protocol"
)

// FindProgram returns the path of a program. It looks for a name in PATH and then in
// the code folder dir; a path begins at dir. It returns an error if the program
// cannot run here.
func FindProgram(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		return findPath(name, dir)
	}
	for folder := range strings.SplitSeq(path, ":") {
		file := filepath.Join(dir, folder, name)
		if filepath.IsAbs(folder) {
			file = filepath.Join(folder, name)
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, asError(Check(file))
		}
	}
	file := filepath.Join(dir, name)
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		return file, asError(Check(file))
	}
	return "", protocol.Failuref("Function.NotFound", "%q is not in PATH (%s) or in the code folder%s", name, path, suggestFile(name, dir))
}

// findPath is FindProgram for a path.
func findPath(name, dir string) (string, error) {
	if filepath.IsAbs(name) {
		return name, asError(Check(name))
	}
	file := filepath.Join(dir, name)
	failure := Check(file)
	if failure != nil && !Exists(file) && whyDangling(file) == "" {
		failure.Message += suggestFile(name, dir)
	}
	return file, asError(failure)
}

func asError(f *protocol.Failure) error {
	if f == nil {
		return nil
	}
	return f
}

// Check returns why a file cannot run as a program on any kernel, or nil.
func Check(file string) *protocol.Failure {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist) && whyDangling(file) != "":
		return protocol.Failuref("Function.NotFound", "%s", whyDangling(file))
	case errors.Is(err, os.ErrNotExist):
		return protocol.Failuref("Function.NotFound", "%s does not exist", file)
	case err != nil:
		return protocol.Failuref("Function.NotFound", "cannot examine the program: %v", err)
	}
	if f := Inspect(file, info.Mode(), head(file), IsMissing); f != nil || !namesScript(file) {
		return f
	}
	if why := Unreadable(file); why != "" {
		return protocol.Failuref("Function.NotExecutable", "%s", why)
	}
	return nil
}

// namesScript reports whether a program is a script by its name, which matters where
// its content cannot be read.
func namesScript(file string) bool {
	return Interpreter(file) != "" || slices.Contains([]string{".bash", ".php", ".pl", ".rb"}, filepath.Ext(file))
}

// Unreadable returns why a program cannot run if it is a script: its interpreter may
// not read it. It is empty for a program that we may read.
func Unreadable(file string) string {
	f, err := os.Open(file)
	if err == nil {
		_ = f.Close() // nothing was written
	}
	info, failed := os.Stat(file)
	if failed != nil || !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	return fmt.Sprintf("user %d may run %s but not read it (mode %04o); the interpreter of a script must read it: chmod 755 it before packing it", os.Geteuid(), file, info.Mode().Perm())
}

// Inspect returns why a file with that mode and that beginning cannot run as a
// program, or nil. missing reports whether a path certainly does not exist where the
// program would run.
func Inspect(file string, mode fs.FileMode, head []byte, missing func(path string) bool) *protocol.Failure {
	switch {
	case mode.IsDir():
		return protocol.Failuref("Function.NotExecutable", "%s is a folder, not a program", file)
	case mode&0o111 == 0:
		return protocol.Failuref("Function.NotExecutable", "%s is not executable (mode %04o): chmod +x it before packing it", file, mode.Perm())
	}
	return inspectHead(file, head, missing)
}

// head returns the beginning of a file. For a file that cannot be read, which may
// still run, it returns the beginning of a binary, to which no check objects.
func head(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return []byte("\x7fELF")
	}
	defer f.Close()
	buf := make([]byte, 4096)
	n, _ := io.ReadFull(f, buf)
	return buf[:n]
}

func inspectHead(file string, head []byte, missing func(string) bool) *protocol.Failure {
	switch {
	case len(head) == 0:
		return protocol.Failuref("Function.NotExecutable", "%s is empty", file)
	case bytes.HasPrefix(head, []byte("#!")):
		return inspectScript(file, head, missing)
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return inspectBinary(file, head, missing)
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")):
		return protocol.Failuref("Function.BadInterpreter", "%s begins with a byte order mark (BOM): save it without one", file)
	case bytes.HasPrefix(head, []byte("\xff\xfe#\x00!")):
		return protocol.Failuref("Function.BadInterpreter", "%s is in UTF-16: save it in UTF-8", file)
	case bytes.IndexByte(head, 0) < 0: // it is a text
		return noProgram(file)
	}
	return nil
}

func noProgram(file string) *protocol.Failure {
	return protocol.Failuref("Function.BadInterpreter", "%s is neither a program for Linux nor a script that names its interpreter: begin it with a line such as #!/bin/sh", file)
}

func inspectScript(file string, head []byte, missing func(string) bool) *protocol.Failure {
	line, _, _ := bytes.Cut(head[2:], []byte("\n"))
	if bytes.HasSuffix(line, []byte("\r")) {
		return protocol.Failuref("Function.BadInterpreter", "%s has Windows line ends (CRLF): save it with Unix ones (LF)", file)
	}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return protocol.Failuref("Function.BadInterpreter", "%s: its first line #! names no interpreter", file)
	}
	if missing(words[0]) {
		return protocol.Failuref("Function.BadInterpreter", "%s: its interpreter %s does not exist here", file, words[0])
	}
	return nil
}

// IsMissing reports whether a file certainly does not exist.
func IsMissing(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// machines are the processors of ELF files, under Go's names.
var machines = map[uint16]string{3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}

// compatible are the processors whose programs a kernel may also run.
var compatible = map[string]string{"amd64": "386", "arm64": "arm"}

// machineOf returns the processor that an ELF file is for. It is empty if the file
// does not say.
func machineOf(head []byte) string {
	if len(head) < 20 || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	machine := binary.LittleEndian.Uint16(head[18:])
	return cmp.Or(machines[machine], fmt.Sprintf("machine %d", machine))
}

// runs reports whether our kernel may run programs of that processor.
func runs(machine string) bool {
	return machine == "" || machine == runtime.GOARCH || machine == compatible[runtime.GOARCH]
}

// inspectBinary looks for the loader that an ELF file needs. The loader of another
// processor may be elsewhere.
func inspectBinary(file string, head []byte, missing func(string) bool) *protocol.Failure {
	if loader := loaderIn(head); loader != "" && runs(machineOf(head)) && missing(loader) {
		return protocol.Failuref("Function.BadInterpreter", "%s needs the loader %s, which does not exist here: link it statically, or for this system's C library", file, loader)
	}
	return nil
}
