package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bootstrap/protocol"
)

// CheckScript returns why no interpreter can load the script of a function, or nil.
func CheckScript(file string) *protocol.Failure {
	f, err := os.Open(file)
	if err != nil {
		return protocol.Failuref("Runtime.InitError", "cannot load the script: %v", withRemedy(err))
	}
	defer f.Close() // only read
	start := make([]byte, 3)
	n, _ := f.Read(start) // the interpreter reports an empty file or a folder
	return checkEncoding(file, start[:n])
}

// checkEncoding looks at the first bytes of a script. Python and Node skip the mark
// of UTF-8; shells read it as a part of the first command.
func checkEncoding(file string, start []byte) *protocol.Failure {
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")):
		return protocol.Failuref("Runtime.UserCodeSyntaxError", "%s is in UTF-16: save it in UTF-8", file)
	case filepath.Ext(file) == ".sh" && bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		return protocol.Failuref("Runtime.UserCodeSyntaxError", "%s begins with a byte order mark (BOM): save it without one", file)
	}
	return nil
}

// withRemedy adds the remedy to the error of a file that we may not read.
func withRemedy(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: chmod 644 it before packing it", err)
	}
	return err
}

// whyDangling explains that a file is a link whose target does not exist. It is empty
// for any other file.
func whyDangling(file string) string {
	to, err := os.Readlink(file)
	if err != nil || Exists(file) {
		return ""
	}
	return fmt.Sprintf("%q is a link to %q, which does not exist here: pack the file in place of the link", file, to)
}

// typeScripts are the extensions of files that must be compiled, and the extensions
// of the compiled files.
var typeScripts = map[string]string{".ts": ".js", ".tsx": ".js", ".mts": ".mjs", ".cts": ".cjs"}

// whyUnusable returns why the file that the handler names is not used. It is empty
// if there is no such file.
func whyUnusable(handler, dir string) string {
	if why := whyDangling(filepath.Join(dir, handler)); why != "" {
		return why
	}
	name := handler
	for dot := lastDot(name); dot > 0; dot = lastDot(name) {
		name = handler[:dot]
		for _, file := range candidates(name) {
			if why := whyDangling(filepath.Join(dir, file)); why != "" {
				return why
			}
		}
		for extension, compiled := range typeScripts {
			if Exists(filepath.Join(dir, name+extension)) {
				return fmt.Sprintf("%q is TypeScript: compile it to %q before packing it", name+extension, name+compiled)
			}
		}
	}
	return ""
}

// lastDot returns the index of the last dot in the last element of a path. It is -1
// if there is none after the first character.
func lastDot(name string) int {
	base := strings.LastIndexByte(name, '/') + 1
	if dot := strings.LastIndexByte(name, '.'); dot > base {
		return dot
	}
	return -1
}
