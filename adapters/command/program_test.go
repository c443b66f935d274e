package command

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"bootstrap/internal/elftest"
)

// files holds the text of each file by its name. Texts that begin with #! are
// executable.
type files map[string]string

// folder makes a folder with these files.
func folder(t *testing.T, fs files) string {
	t.Helper()
	dir, all := t.TempDir(), fstest.MapFS{}
	for name, text := range fs {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		all[name] = &fstest.MapFile{Data: []byte(text), Mode: mode}
	}
	if err := os.CopyFS(dir, all); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A kernel may run the older programs of its processor family, so it decides.
func TestOlderProcessor(t *testing.T) {
	older := map[string]uint16{"amd64": elftest.I386, "arm64": elftest.ARM}[runtime.GOARCH]
	if f := inspectHead("tool", elftest.Program(older, ""), IsMissing); f != nil {
		t.Errorf("got %v", f)
	}
}

// A program that nobody may read can still be run.
func TestUnreadable(t *testing.T) {
	if got := inspectHead("tool", head("/nowhere"), IsMissing); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestPath(t *testing.T) {
	code := files{
		"first/plain":       "not executable",
		"second/plain":      "#!/bin/sh",
		"first/tool":        "#!/bin/sh",
		"second/tool":       "#!/bin/sh",
		"first/file/x":      "",
		"second/file":       "#!/bin/sh",
		"here":              "#!/bin/sh",
		"data":              "not executable",
		"tool":              "#!/bin/sh",
		"first/myscript.sh": "#!/bin/sh",
		"second/broken":     "#!/nowhere/sh",
	}
	dir := folder(t, code)
	tests := []struct {
		name, program, path string
		want                string // relative to dir
		problem             string
	}{
		{"the first of two", "tool", dir + "/first:" + dir + "/second", "first/tool", ""},
		{"a folder that is not there", "tool", "/nowhere:" + dir + "/second", "second/tool", ""},
		{"not one that cannot run", "plain", dir + "/first:" + dir + "/second", "second/plain", ""},
		{"not a folder", "file", dir + "/first:" + dir + "/second", "second/file", ""},
		{"a folder within the code folder", "tool", "second", "second/tool", ""},
		{"the code folder, as an empty name", "here", "/nowhere::/bin", "here", ""},
		{"a path from the code folder", "second/tool", "", "second/tool", ""},
		{"a path with a dot", "./here", "", "here", ""},
		{"an absolute path", dir + "/here", "", "here", ""},
		{"nowhere", "missing", "/nowhere:/bin", "", `"missing" is not in PATH (/nowhere:/bin)`},
		{"not without PATH", "sh", "", "", `"sh" is not in PATH ()`},
		{"in the code folder, after PATH", "here", "/bin", "here", ""},
		{"in PATH, before the code folder", "tool", "second:first", "second/tool", ""},
		{"in the code folder, not executable", "data", "/bin", "", "/data is not executable (mode 0644): chmod +x it"},
		{"not a folder of the code folder", "first", "/bin", "", `"first" is not in PATH (/bin) or in the code folder`},
		{"a typo", "hree", "/bin", "", `or in the code folder: did you mean "here"?`},
		{"another folder", "broken", "/bin", "", `did you mean "second/broken"?`},
		{"an extension", "myscript", "/bin", "", `did you mean "first/myscript.sh"?`},
		{"a path with a typo", "./hree", "", "", `/hree does not exist: did you mean "here"?`},
		{"a path to another folder", "./broken", "", "", `/broken does not exist: did you mean "second/broken"?`},
		{"only one that cannot run", "plain", dir + "/first", "", "not in PATH"},
		{"one that is broken", "broken", "second", "", "its interpreter /nowhere/sh does not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := FindProgram(test.program, dir, test.path)
			switch {
			case test.problem == "" && (err != nil || got != filepath.Join(dir, test.want)):
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
				t.Errorf("got %v, want …%s…", err, test.problem)
			}
		})
	}
}
