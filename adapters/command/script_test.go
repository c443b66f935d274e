package command

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"bootstrap/protocol"
)

func TestCheckScript(t *testing.T) {
	dir := folder(t, files{
		"good.sh":   "main() { :; }",
		"empty.sh":  "",
		"bom.sh":    "\xef\xbb\xbfmain() { :; }",
		"bom.py":    "\xef\xbb\xbfx = 1",
		"utf16.py":  "\xff\xfex\x00",
		"utf16.js":  "\xfe\xff\x00x",
		"secret.py": "x = 1",
	})
	for path, mode := range map[string]os.FileMode{dir: 0o755, filepath.Dir(dir): 0o755, filepath.Join(dir, "secret.py"): 0} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ file, want string }{
		{"good.sh", ""},
		{"empty.sh", ""},
		{"bom.py", ""}, // Python skips it
		{"bom.sh", "/bom.sh begins with a byte order mark (BOM): save it without one"},
		{"utf16.py", "/utf16.py is in UTF-16: save it in UTF-8"},
		{"utf16.js", "/utf16.js is in UTF-16: save it in UTF-8"},
		{"missing.py", "cannot load the script: "},
		{"secret.py", "/secret.py: permission denied: chmod 644 it before packing it"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			asNobody(t)
			got := CheckScript(filepath.Join(dir, test.file))
			if (got != nil) != (test.want != "") || got != nil && !strings.Contains(got.Message, test.want) {
				t.Errorf("got %v, want %q", got, test.want)
			}
		})
	}
}

// asNobody takes the capabilities of this thread that let root read every file.
func asNobody(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	runtime.LockOSThread() // and it ends with the test
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
}

// The failure of a handler that names a file which cannot be used says why.
func TestUnusable(t *testing.T) {
	dir := folder(t, files{"index.ts": "", "src/app.mts": "", "both.ts": "", "both.js": ""})
	for _, name := range []string{"tool", "linked.py", "bin"} {
		if err := os.Symlink("/nowhere/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ handler, want string }{
		{"index.handler", `"index.ts" is TypeScript: compile it to "index.js" before packing it`},
		{"index.app.handler", `"index.ts" is TypeScript: compile it to "index.js"`},
		{"src/app.main", `"src/app.mts" is TypeScript: compile it to "src/app.mjs"`},
		{"both.main", ""},
		{"tool", `/tool" is a link to "/nowhere/tool", which does not exist here: pack the file in place of the link`},
		{"linked.main", `/linked.py" is a link to "/nowhere/linked.py", which does not exist here`},
	}
	for _, test := range tests {
		t.Run(test.handler, func(t *testing.T) {
			_, err := Resolve("", test.handler, dir)
			failure, failed := errors.AsType[*protocol.Failure](err)
			if failed != (test.want != "") || failed && !strings.Contains(failure.Message, test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	t.Run("a program", func(t *testing.T) {
		if _, err := FindProgram("./tool", dir, ""); err == nil || !strings.Contains(err.Error(), `is a link to "/nowhere/tool"`) {
			t.Errorf("got %v", err)
		}
	})
}
