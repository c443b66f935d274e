package command

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bootstrap/protocol"
)

func TestResolve(t *testing.T) {
	dir := folder(t, files{
		"index.sh":       "main_handler() { :; }",
		"src/app.sh":     "main() { :; }",
		"my.index.sh":    "main() { :; }",
		"tool":           "#!/bin/sh",
		"bin/tool":       "#!/bin/sh",
		"tool.v2":        "#!/bin/sh",
		"both.main":      "#!/bin/sh",
		"both.sh":        "main() { :; }",
		"plain":          "not executable",
		"py.py":          "",
		"js.js":          "",
		"esm.mjs":        "",
		"cjs.cjs":        "",
		"lib/handler.py": "",

		"api/__init__.py":     "",
		"pkg/in/mod.py":       "",
		"pkg/in/__init__.py":  "",
		"long.name.js":        "",
		"long.js":             "",
		"long.name/x.py":      "",
		"folder/index.js":     "",
		"src/deep/pkg/mod.py": "",
	})
	shell := func(line string) Target { return Target{Args: lineArguments(line)} }
	program := func(name string) Target { return Target{Args: []string{filepath.Join(dir, name)}} }
	tests := []struct {
		name, command, handler string
		want                   Target
		problem                string
	}{
		{name: "a function", handler: "index.main_handler", want: Target{File: dir + "/index.sh", Function: "main_handler"}},
		{name: "a function in a subfolder", handler: "src/app.main", want: Target{File: dir + "/src/app.sh", Function: "main"}},
		{name: "a file with a dot", handler: "my.index.main", want: Target{File: dir + "/my.index.sh", Function: "main"}},
		{name: "a function, with ./", handler: "./index.main", want: Target{File: dir + "/index.sh", Function: "main"}},
		{name: "a program", handler: "tool", want: program("tool")},
		{name: "a program in a subfolder", handler: "bin/tool", want: program("bin/tool")},
		{name: "a program with a dot", handler: "tool.v2", want: program("tool.v2")},
		{name: "a program before a function", handler: "both.main", want: program("both.main")},
		{name: "a script's file name", handler: "index.sh", want: program("index.sh")},
		{name: "a file that is not a program", handler: "plain", want: program("plain")},
		{name: "a way that comes back", handler: "src/../tool", want: program("tool")},

		{name: "nothing", problem: "no handler is set"},
		{name: "above the code folder", handler: "../x", problem: `handler "../x" is outside the code folder ` + dir + `: to run it, set BOOTSTRAP_COMMAND`},
		{name: "above it in the end", handler: "src/../../x", problem: "outside the code folder"},
		{name: "the folder above", handler: "..", problem: "outside the code folder"},
		{name: "absolute", handler: "/bin/cat", problem: "outside the code folder"},
		{name: "no dot", handler: "nothing", problem: "no such file in " + dir + ", and it is not of the form file.function"},
		{name: "a dot at the end", handler: "index.", problem: "not of the form file.function"},
		{name: "a dot at the beginning", handler: ".main", problem: "not of the form file.function"},
		{name: "no such script", handler: "app.main", problem: "neither a program \"app.main\" nor one of the scripts [\"app.sh\" \"app.py\" \"app.js\" \"app.mjs\" \"app.cjs\"] in " + dir},
		{name: "python", handler: "py.main", want: Target{File: dir + "/py.py", Function: "main"}},
		{name: "python in a subfolder", handler: "lib/handler.main", want: Target{File: dir + "/lib/handler.py", Function: "main"}},
		{name: "node", handler: "js.main", want: Target{File: dir + "/js.js", Function: "main"}},
		{name: "node, a module", handler: "esm.main", want: Target{File: dir + "/esm.mjs", Function: "main"}},
		{name: "node, not a module", handler: "cjs.main", want: Target{File: dir + "/cjs.cjs", Function: "main"}},

		{name: "a property of an export", handler: "js.app.main", want: Target{File: dir + "/js.js", Function: "app.main"}},
		{name: "the longest file name", handler: "long.name.app.main", want: Target{File: dir + "/long.name.js", Function: "app.main"}},
		{name: "a shorter one", handler: "long.app", want: Target{File: dir + "/long.js", Function: "app"}},
		{name: "a module in a folder with a dot", handler: "long.name/x.main", want: Target{File: dir + "/long.name/x.py", Function: "main"}},
		{name: "a package", handler: "api.main", want: Target{File: dir + "/api/__init__.py", Function: "main"}},
		{name: "a dotted module", handler: "lib.handler.main", want: Target{File: dir + "/lib/handler.py", Function: "main"}},
		{name: "a module in a package", handler: "pkg.in.mod.main", want: Target{File: dir + "/pkg/in/mod.py", Function: "main"}},
		{name: "a package in another", handler: "pkg/in.main", want: Target{File: dir + "/pkg/in/__init__.py", Function: "main"}},
		{name: "slashes and dots", handler: "src/deep/pkg.mod.main", want: Target{File: dir + "/src/deep/pkg/mod.py", Function: "main"}},
		{name: "a folder for node", handler: "folder.main", want: Target{File: dir + "/folder/index.js", Function: "main"}},
		{name: "a folder with a dot, and no more", handler: "long.name/none.main", problem: "neither a program"},

		{name: "a command line", command: "jq . | head -1", want: shell("jq . | head -1")},
		{name: "a command line before a handler", command: "cat", handler: "index.main_handler", want: shell("cat")},
		{name: "a command outside the code folder", command: "../x", want: shell("../x")},
		{name: "an object is not a list", command: `{ cat; }`, want: shell(`{ cat; }`)},
		{name: "a list", command: `["jq", "a b", ""]`, want: Target{Args: []string{"jq", "a b", ""}}},
		{name: "a list after space", command: " \n[\"jq\"]\n", want: Target{Args: []string{"jq"}}},
		{name: "a list before a handler", command: `["jq"]`, handler: "../x", want: Target{Args: []string{"jq"}}},
		{name: "an empty list", command: `[]`, problem: `BOOTSTRAP_COMMAND: it begins with [ but is not a JSON array of strings such as ["jq", "."]: the name of the program is missing`},
		{name: "a list that does not end", command: `["jq"`, problem: "is not a JSON array of strings"},
		{name: "more than a list", command: `["jq"] .`, problem: "is not a JSON array of strings"},
		{name: "a list of a number", command: `["sleep", 1]`, problem: "is not a JSON array of strings"},
		{name: "an empty name", command: `["", "x"]`, problem: "is not a JSON array of strings"},
		{name: "a list within a list", command: `[["jq"]]`, problem: "is not a JSON array of strings"},
		{name: "single quotes", command: `['jq']`, problem: "is not a JSON array of strings"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Resolve(test.command, test.handler, dir)
			if test.problem != "" {
				f, ok := errors.AsType[*protocol.Failure](err)
				if !ok || f.Type != "Runtime.HandlerNotFound" || !strings.Contains(f.Message, test.problem) {
					t.Errorf("got %v, want Runtime.HandlerNotFound, %q", err, test.problem)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestHandlerWithoutSecrets(t *testing.T) {
	_, err := Resolve(`["curl", "-H", "Token: hush"`, "", "")
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v, want nothing of the command", err)
	}
}

// Find returns the same program that the adapters run.
func TestFind(t *testing.T) {
	for _, row := range []struct {
		command, program string
		args             []string
		problem          string
	}{
		{"exec env", "/bin/bash", []string{"/bin/bash", "-c", "exec env", "bash"}, ""},
		{`["sh", "a b"]`, "/bin/sh", []string{"sh", "a b"}, ""},
		{`["./hush"]`, "", nil, "/nowhere/hush does not exist"},
		{`["hush`, "", nil, "it begins with [ but is not a JSON array of strings"},
	} {
		program, args, err := Find(row.command, "/nowhere", "/bin")
		if program != row.program || !slices.Equal(args, row.args) || (err == nil) != (row.problem == "") {
			t.Errorf("%s: got %q, %q, %v", row.command, program, args, err)
		}
		if err != nil && !strings.Contains(err.Error(), row.problem) {
			t.Errorf("%s: got the error %v, want %q", row.command, err, row.problem)
		}
	}
}
