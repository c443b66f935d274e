package adapters

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realPython returns the binary behind python3 and its standard library.
func realPython(t *testing.T) (binary, library string) {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.dirname(os.__file__))").Output()
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	binary, library, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return binary, library
}

// link makes a symbolic link and its folder.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// pythonPlace is a function that returns the path of its interpreter and
// library.
const pythonPlace = "import os, sys, ssl\ndef main_handler(event, context): return [sys.prefix, os.path.realpath(os.path.dirname(os.__file__)), sys.executable]"

// Python finds its library by the path of the program that was started.
func TestPythonInstallations(t *testing.T) {
	binary, library := realPython(t)
	library, err := filepath.EvalSymlinks(library)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := python(t, pythonPlace)
	moved := filepath.Join(c.Dir, "python", "bin", "python3")
	link(t, library, filepath.Join(c.Dir, "python", "lib", filepath.Base(library)))
	copied, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Dir(moved), nil, 0o755)
	put(t, moved, copied, 0o755)
	venv := filepath.Join(c.Dir, "venv", "bin", "python3")
	link(t, binary, venv)
	put(t, c.Dir+"/venv/pyvenv.cfg", []byte("home = "+filepath.Dir(binary)+"\n"), 0o644)
	for name, path := range map[string]string{"a copy": moved, "a virtual environment": venv} {
		prefix := filepath.Dir(filepath.Dir(path))
		want := `["` + prefix + `","` + library + `","` + path + `"]`
		t.Run(name+", by BOOTSTRAP_PYTHON", func(t *testing.T) {
			c := c
			c.Interpreters = map[string]string{"python3": path}
			c.Getenv = func(string) string { return "" } // no PATH
			c.Environ = []string{"PATH=/nowhere"}
			succeeds(t, start(t, c), "", want)
		})
		t.Run(name+", by PATH", func(t *testing.T) {
			c := c
			c.Getenv = func(string) string { return filepath.Dir(path) }
			succeeds(t, start(t, c), "", want)
		})
	}
}

// An interpreter that cannot run functions is refused in one sentence.
func TestInterpreterRefused(t *testing.T) {
	tests := []struct{ name, file, script, want string }{
		{"an old Python", "index.py", `exec python3 -c "import sys; sys.version_info = (2, 7, 18); sys.argv.pop(0); exec(sys.argv[1])" "$@"`, "is Python 2.7, and functions need 3.6 or newer: set BOOTSTRAP_PYTHON to a newer one"},
		{"an old Node", "index.js", changedNode("node: '8.9.4'"), "is Node 8.9.4, and functions need 14 or newer: set BOOTSTRAP_NODE to a newer one"},
		{"bun", "index.js", changedNode("node: '22.0.0', bun: '1.0.0'"), "is bun, not Node: set BOOTSTRAP_NODE to the path of Node, or write a worker for bun (BOOTSTRAP_ADAPTER=worker and BOOTSTRAP_COMMAND)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := languageOf(test.file)
			c, _ := module(t, l.interpreter, files{test.file: "", "interpreter": "#!/bin/sh\n" + test.script})
			c.Interpreters = map[string]string{l.interpreter: "./interpreter"}
			err := c.adapter().Start(t.Context())
			wantFailure(t, err, "Runtime.NoInterpreter", test.want)
			noneLeft(t)
		})
	}
	c, _ := module(t, "node", files{"index.js": "", "deno": "#!/bin/sh\n"})
	link(t, "../deno", c.Dir+"/bin/node")
	c.Interpreters = map[string]string{"node": "bin/node"}
	wantFailure(t, c.adapter().Start(t.Context()), "Runtime.NoInterpreter", "is deno, not Node: set BOOTSTRAP_NODE to the path of Node")
}

// changedNode is a Node that reports another version.
func changedNode(versions string) string {
	return `exec node -e "Object.defineProperty(process, 'versions', { value: { ` + versions + ` } }); process.argv.splice(1, 1); eval(process.argv.splice(1, 1)[0])" -- "$@"`
}

// Options that are meant for other code do not reach the host.
func TestNodeOptions(t *testing.T) {
	for _, test := range []struct{ options, file, text string }{
		{"--input-type=module", "index.js", "exports.main_handler = async () => process.env.NODE_OPTIONS"},
		{"--input-type=module", "index.mjs", "export const main_handler = async () => process.env.NODE_OPTIONS"},
		{"--disallow-code-generation-from-strings", "index.js", "exports.main_handler = async () => process.env.NODE_OPTIONS"},
		{"--max-old-space-size=64", "index.js", "exports.main_handler = async () => process.env.NODE_OPTIONS"},
		{"--experimental-default-type=module", "index.js", "export const main_handler = async () => process.env.NODE_OPTIONS"},
		{"--experimental-default-type=module", "index.cjs", "exports.main_handler = async () => process.env.NODE_OPTIONS"},
	} {
		t.Run(test.options+" "+test.file, func(t *testing.T) {
			c, _ := module(t, "node", files{test.file: test.text})
			c.Environ = append(c.Environ, "NODE_OPTIONS="+test.options)
			a := c.adapter()
			if err := a.Start(t.Context()); err != nil && strings.Contains(err.Error(), "not allowed in NODE_OPTIONS") {
				t.Skip("NOT TESTED: this Node does not know the option: ", err)
			} else if err != nil {
				t.Fatal(err)
			}
			succeeds(t, a, "", quoted(test.options))
			if err := a.Close(patience); err != nil {
				t.Error(err)
			}
			noneLeft(t)
		})
	}
}
