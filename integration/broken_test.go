package integration

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A broken package has one finding.
type broken struct {
	name     string
	platform string   // empty: scf
	handler  string   // empty: index.main_handler
	args     []string // of doctor
	make     func(d packageDir)

	zip    bool                  // it is a zip; else a folder
	bare   bool                  // bootstrap is not added to the zip
	change func(*zip.FileHeader) // of entries of the zip
	raw    func(t *testing.T, file string)

	want  string // identifier of the finding
	file  string // that it is about
	cloud string // part of what the platform says
	fails string // part of what the local platform says about the same package; empty: it does not run there
}

const function = "main_handler() { printf '%s' \"$1\"; }\n"

// glibcLoader is the loader of glibc on the architecture that doctor assumes.
const glibcLoader = "/lib64/ld-linux-x86-64.so.2"

func shellIndex(d packageDir) { d.put("index.sh", function, 0o644) }

// with returns a package with the shell function and another file.
func with(name, text string, mode os.FileMode) func(packageDir) {
	return func(d packageDir) {
		shellIndex(d)
		d.put(name, text, mode)
	}
}

// onlyFile returns a package with one file.
func onlyFile(name, text string, mode os.FileMode) func(packageDir) {
	return func(d packageDir) { d.put(name, text, mode) }
}

func noModes(h *zip.FileHeader) { h.CreatorVersion, h.ExternalAttrs = 0, 0 }

var brokenPackages = []broken{
	// These packages fail when the platform starts bootstrap.
	{name: "no bootstrap", platform: "lambda", zip: true, bare: true, make: shellIndex, want: "bootstrap-missing", file: "bootstrap",
		cloud: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
	{name: "outer folder", platform: "functiongraph", zip: true, bare: true, make: func(d packageDir) {
		d.put("demo/index.sh", function, 0o644)
		d.runtime("demo/bootstrap", 0o755)
	}, want: "outer-folder", file: "demo/", cloud: "FSS.4202"},
	{name: "Bootstrap", zip: true, bare: true, make: func(d packageDir) { shellIndex(d); d.runtime("Bootstrap", 0o755) }, want: "bootstrap-case", file: "Bootstrap", cloud: "437"},
	{name: "scf_bootstrap only", zip: true, bare: true, make: with("scf_bootstrap", "#!/bin/bash\n", 0o755), want: "scf-bootstrap", file: "scf_bootstrap"},
	{name: "scf_bootstrap too", zip: true, make: with("scf_bootstrap", "#!/bin/bash\n", 0o755), want: "scf-bootstrap-too", file: "scf_bootstrap"},
	{name: "bootstrap not executable", zip: true, bare: true, make: func(d packageDir) { shellIndex(d); d.runtime("bootstrap", 0o644) },
		want: "bootstrap-not-executable", file: "bootstrap", cloud: `ReloadFail: Bootstrap not executable\n`, fails: "not an executable file"},
	{name: "bootstrap executable for its owner only", platform: "lambda", zip: true, bare: true, make: func(d packageDir) { shellIndex(d); d.runtime("bootstrap", 0o744) },
		want: "bootstrap-not-executable", file: "bootstrap", cloud: "fork/exec /var/task/bootstrap: permission denied"},
	{name: "zip from Windows", zip: true, make: shellIndex, change: noModes, want: "bootstrap-not-executable", file: "bootstrap"},
	{name: "bootstrap empty", zip: true, make: with("bootstrap", "", 0o755), want: "bootstrap-empty", file: "bootstrap", fails: "exec format error"},
	{name: "bootstrap with CRLF", platform: "lambda", zip: true, make: with("bootstrap", "#!/bin/bash\r\necho\r\n", 0o755),
		want: "bootstrap-crlf", file: "bootstrap", cloud: "fork/exec /var/task/bootstrap: no such file or directory", fails: "/bootstrap: no such file or directory"},
	{name: "bootstrap with BOM", platform: "lambda", zip: true, make: with("bootstrap", "\ufeff#!/bin/bash\necho\n", 0o755),
		want: "bootstrap-bom", file: "bootstrap", cloud: "fork/exec /var/task/bootstrap: exec format error", fails: "/bootstrap: exec format error"},
	{name: "bootstrap without #!", platform: "lambda", zip: true, make: with("bootstrap", "while :; do :; done\n", 0o755),
		want: "bootstrap-no-shebang", file: "bootstrap", cloud: "fork/exec /var/task/bootstrap: exec format error", fails: "/bootstrap: exec format error"},
	{name: "bootstrap for macOS", zip: true, make: with("bootstrap", "\xcf\xfa\xed\xfe\x07\x00\x00\x01", 0o755), want: "bootstrap-not-linux", file: "bootstrap", fails: "exec format error"},
	{name: "bootstrap for Windows", zip: true, make: with("bootstrap", "MZ\x90\x00", 0o755), want: "bootstrap-not-linux", file: "bootstrap"},
	{name: "bootstrap for another processor", platform: "lambda", zip: true, make: with("bootstrap", string(fakeELF{machine: elf.EM_AARCH64}.bytes()), 0o755),
		want: "bootstrap-arch", file: "bootstrap", cloud: "exec format error"},
	{name: "bootstrap linked with musl", platform: "lambda", zip: true, make: with("bootstrap", string(fakeELF{loader: "/lib/ld-musl-x86_64.so.1"}.bytes()), 0o755),
		want: "bootstrap-loader", file: "bootstrap", cloud: "no such file or directory"},
	{name: "bootstrap from Homebrew", platform: "lambda", zip: true, make: with("bootstrap", "#!/opt/homebrew/bin/bash\n", 0o755),
		want: "bootstrap-interpreter", file: "bootstrap", cloud: "no such file or directory", fails: "/bootstrap: no such file or directory"},
	{name: "half a bootstrap", platform: "lambda", zip: true, make: with("bootstrap", "\x7fELF\x02\x01\x01", 0o755),
		want: "program-damaged", file: "bootstrap", cloud: "exec format error", fails: "exec format error"},
	{name: "bootstrap of another project", zip: true, make: with("bootstrap", "#!/bin/bash\n", 0o755), want: "bootstrap-foreign", file: "bootstrap"},
	{name: "bootstrap of another build", zip: true, bare: true, make: func(d packageDir) {
		shellIndex(d)
		program, err := os.ReadFile(bootstrap)
		if err != nil {
			d.t.Fatal(err)
		}
		d.put("bootstrap", string(program)+"x", 0o755)
	}, want: "bootstrap-stale", file: "bootstrap"},

	// These packages fail when the runtime starts the function.
	{name: "no handler", make: with("notes.txt", "", 0o644), handler: "app.main", want: "handler-not-found", cloud: "Runtime.HandlerNotFound: handler \"app.main\"", fails: "Runtime.HandlerNotFound"},
	{name: "handler ignored", make: func(d packageDir) {
		shellIndex(d)
		d.put("notes.txt", "", 0o644)
		d.put(".bootstrapignore", "*.sh\n", 0o644)
	}, want: "handler-ignored", file: "index.sh"},
	{name: "handler is a folder", make: with("bin/tool", "#!/bin/sh\n", 0o755), handler: "bin", want: "handler-folder", file: "bin", cloud: "is a folder", fails: "is a folder"},
	{name: "function not defined", make: onlyFile("index.sh", "handler() { :; }\n", 0o644), want: "function-missing", file: "index.sh", cloud: "Runtime.HandlerNotFound", fails: "Runtime.HandlerNotFound"},
	{name: "program not in the package", make: shellIndex, args: []string{"-env", `BOOTSTRAP_COMMAND=["./tool"]`}, want: "command-missing", file: "tool",
		cloud: "Function.NotFound: /var/user/tool does not exist", fails: "/tool does not exist"},
	{name: "empty program", make: onlyFile("tool", "", 0o755), handler: "tool", want: "program-empty", file: "tool", cloud: "is empty", fails: "is empty"},
	{name: "program not executable", zip: true, make: onlyFile("tool", "#!/bin/sh\n", 0o644), handler: "tool", want: "not-executable", file: "tool",
		cloud: "Function.NotExecutable: /var/user/tool is not executable (mode 0644)", fails: "Function.NotExecutable"},
	{name: "function with CRLF", make: onlyFile("index.sh", "main_handler() {\r\n\techo hi\r\n}\r\n", 0o644), want: "crlf", file: "index.sh",
		cloud: "Runtime.UserCodeSyntaxError", fails: "Runtime.UserCodeSyntaxError"},
	{name: "program with CRLF", make: onlyFile("tool", "#!/bin/sh\r\necho hi\r\n", 0o755), handler: "tool", want: "crlf", file: "tool",
		cloud: "Function.BadInterpreter: /var/user/tool has Windows line ends (CRLF)", fails: "Windows line ends (CRLF)"},
	{name: "CRLF within a program", make: onlyFile("tool", "#!/bin/bash\n\ntrue\r\nexit 0\r\n", 0o755), handler: "tool", want: "crlf", file: "tool",
		cloud: `$'\r': command not found`, fails: `$'true\r': command not found`},
	{name: "program with BOM", make: onlyFile("tool", "\ufeff#!/bin/sh\necho hi\n", 0o755), handler: "tool", want: "bom", file: "tool",
		cloud: "Function.BadInterpreter: /var/user/tool begins with a byte order mark", fails: "begins with a byte order mark"},
	{name: "program without #!", make: onlyFile("tool", "echo hi\n", 0o755), handler: "tool", want: "no-shebang", file: "tool",
		cloud: "Function.BadInterpreter", fails: "Function.BadInterpreter"},
	{name: "program for Windows", make: onlyFile("tool", "MZ\x90\x00", 0o755), handler: "tool", want: "not-linux", file: "tool"},
	{name: "program for another processor", make: onlyFile("tool", string(fakeELF{machine: elf.EM_AARCH64}.bytes()), 0o755), handler: "tool", want: "arch", file: "tool", cloud: "exec format error"},
	{name: "half a program", make: onlyFile("tool", "\x7fELF\x02\x01\x01", 0o755), handler: "tool", want: "program-damaged", file: "tool", cloud: "exec format error", fails: "Function."},
	{name: "#! and nothing", make: onlyFile("tool", "#!\n", 0o755), handler: "tool", want: "no-shebang", file: "tool", cloud: "its first line #! names no interpreter", fails: "its first line #! names no interpreter"},
	{name: "program of 32 bits", make: onlyFile("tool", string(fakeELF{machine: elf.EM_386, narrow: true}.bytes()), 0o755), handler: "tool", want: "elf-class", file: "tool"},
	{name: "unknown loader", make: onlyFile("tool", string(fakeELF{loader: "/nix/store/x/ld-linux-x86-64.so.2"}.bytes()), 0o755), handler: "tool", want: "loader", file: "tool",
		cloud: "fork/exec /var/user/tool: no such file or directory"},
	{name: "glibc newer than CentOS 7's", make: onlyFile("tool", string(fakeELF{loader: glibcLoader, needs: []string{"libc.so.6"}, glibc: "2.18"}.bytes()), 0o755),
		handler: "tool", want: "glibc", file: "tool", cloud: "version `GLIBC_2.18' not found (required by /var/user/tool)"},
	{name: "glibc newer than AL2023's", platform: "lambda", make: onlyFile("tool", string(fakeELF{loader: glibcLoader, glibc: "2.38"}.bytes()), 0o755),
		handler: "tool", want: "glibc", file: "tool", cloud: "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/tool)"},
	{name: "glibc where it is not documented", platform: "functiongraph", make: onlyFile("tool", string(fakeELF{loader: glibcLoader, glibc: "2.28"}.bytes()), 0o755),
		handler: "tool", want: "glibc-unsure", file: "tool"},
	{name: "program linked with musl", make: onlyFile("tool", string(fakeELF{loader: "/lib/ld-musl-x86_64.so.1", needs: []string{"libc.musl-x86_64.so.1"}}.bytes()), 0o755),
		handler: "tool", want: "musl", file: "tool", cloud: "error while loading shared libraries: libc.musl-x86_64.so.1"},
	{name: "library missing", make: onlyFile("tool", string(fakeELF{loader: glibcLoader, needs: []string{"libssl.so.3", "libc.so.6"}}.bytes()), 0o755),
		handler: "tool", want: "library", file: "tool", cloud: "libssl.so.3: cannot open shared object file"},
	{name: "interpreter that no platform has", make: onlyFile("tool", "#!/home/me/bin/python3\n", 0o755), handler: "tool", want: "interpreter", file: "tool",
		cloud: "Function.BadInterpreter: /var/user/tool: its interpreter /home/me/bin/python3 does not exist here", fails: "its interpreter /home/me/bin/python3 does not exist here"},
	{name: "Ruby on a platform without", platform: "lambda", make: onlyFile("tool", "#!/usr/bin/env ruby\n", 0o755), handler: "tool", want: "interpreter", file: "tool"},
	{name: "a shell that is not documented", make: onlyFile("tool", "#!/usr/bin/fish\n", 0o755), handler: "tool", want: "interpreter-unsure", file: "tool"},
	{name: "PHP", make: onlyFile("index.php", "<?php echo 1;\n", 0o644), args: []string{"-env", `BOOTSTRAP_COMMAND=["php", "index.php"]`}, want: "interpreter-unsure"},
	{name: "Python on Lambda", platform: "lambda", make: onlyFile("index.py", "def main_handler(event, context):\n    return 1\n", 0o644), want: "language", file: "index.py",
		cloud: `Runtime.NoInterpreter: cannot load /var/task/index.py: "python3" is not in PATH`},
	{name: "Node as a command on Lambda", platform: "lambda", make: onlyFile("index.js", "exports.main_handler = 1\n", 0o644), args: []string{"-env", `BOOTSTRAP_COMMAND=["node", "index.js"]`},
		want: "interpreter", cloud: `Function.NotFound: "node" is not in PATH`},
	{name: "syntax of bash", make: onlyFile("index.sh", "main_handler() {\n  if\n}\n", 0o644), want: "syntax", file: "index.sh", cloud: "Runtime.UserCodeSyntaxError", fails: "Runtime.UserCodeSyntaxError"},
	{name: "syntax of Python", make: onlyFile("index.py", "def main_handler(:\n", 0o644), want: "syntax", file: "index.py", cloud: "Runtime.UserCodeSyntaxError", fails: "Runtime.UserCodeSyntaxError"},
	{name: "syntax of Node", make: onlyFile("index.js", "exports.main_handler = (\n", 0o644), want: "syntax", file: "index.js", cloud: "Runtime.UserCodeSyntaxError", fails: "Runtime.UserCodeSyntaxError"},
	{name: "wrong option", make: with("bootstrap.env", "BOOTSTRAP_GRACE=5\n", 0o644), want: "option", file: "bootstrap.env", cloud: "Runtime.ConfigError", fails: "BOOTSTRAP_GRACE"},
	{name: "wrong option in a variable", make: shellIndex, args: []string{"-env", "BOOTSTRAP_DELIVERY=pigeon"}, want: "option", fails: "BOOTSTRAP_DELIVERY"},
	{name: "Procfile without a command", make: with("Procfile", "web:\n", 0o644), args: []string{"-env", "BOOTSTRAP_SIDECARS=Procfile"}, want: "option", file: "Procfile", fails: "Procfile"},
	{name: "sidecar not executable", zip: true, make: func(d packageDir) {
		shellIndex(d)
		d.put("side", "#!/bin/sh\n", 0o644)
		d.put("Procfile", "side: [\"./side\"]\n", 0o644)
		d.put("bootstrap.env", "BOOTSTRAP_SIDECARS=Procfile\n", 0o644)
	}, want: "option", file: "bootstrap.env", cloud: "Runtime.ConfigError", fails: "is not executable"},
	{name: "misspelt option", make: shellIndex, args: []string{"-env", "BOOTSTRAP_TIMOUT=3s"}, want: "option-unknown"},
	{name: "not readable", zip: true, make: onlyFile("index.sh", function, 0o600), want: "unreadable", file: "index.sh", cloud: "Permission denied"},
	{name: "Procfile that nothing names", make: with("Procfile", "web: ./web\n", 0o644), want: "procfile-unused", file: "Procfile"},
	{name: "two scripts", make: with("index.py", "def main_handler(event, context):\n    return 1\n", 0o644), want: "handler-ambiguous", file: "index.sh"},

	// Names, links and kinds of files.
	{name: "names that differ by case", make: func(d packageDir) { shellIndex(d); d.put("Data", "", 0o644); d.put("data", "", 0o644) }, want: "case", file: "data"},
	{name: "link out of the folder", make: func(d packageDir) { shellIndex(d); d.link("passwd", "/etc/passwd") }, want: "link-outside", file: "passwd"},
	{name: "link out of a zip", zip: true, make: func(d packageDir) { shellIndex(d); d.link("up", "../x") }, want: "link-outside", file: "up"},
	{name: "link to nothing", make: func(d packageDir) { shellIndex(d); d.link("gone", "nothing") }, want: "link-broken", file: "gone"},
	{name: "a pipe", make: func(d packageDir) {
		shellIndex(d)
		if err := syscall.Mkfifo(filepath.Join(d.string, "pipe"), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}, want: "special-file", file: "pipe"},
	{name: "nothing", make: func(packageDir) {}, want: "empty"},
	{name: "git in a zip", zip: true, make: with(".git/config", "", 0o644), want: "git", file: ".git"},

	// The zip.
	{name: "name that leaves", zip: true, make: with("x", "", 0o644), change: rename("x", "../../x"), want: "unsafe-name", file: "../../x"},
	{name: "absolute name", zip: true, make: with("x", "", 0o644), change: rename("x", "/etc/x"), want: "unsafe-name", file: "/etc/x"},
	{name: "backslashes", zip: true, make: with("x", "", 0o644), change: rename("x", `bin\x`), want: "backslash-name", file: `bin\x`},
	{name: "a name twice", zip: true, make: with("x", "", 0o644), change: rename("x", "index.sh"), want: "duplicate-name", file: "index.sh"},
	{name: "encrypted", zip: true, make: with("x", "", 0o644), change: func(h *zip.FileHeader) {
		if h.Name == "x" {
			h.Flags |= 1
		}
	}, want: "zip-encrypted", file: "x"},
	{name: "unknown method", zip: true, make: with("x", "", 0o644), raw: patch('x', 8, []byte{12, 0}), want: "zip-method", file: "x"},
	{name: "damaged", zip: true, make: with("x", "hello", 0o644), raw: damage("hello"), want: "zip-broken", file: "x"},

	// Limits.
	{name: "unpacked size on SCF", make: func(d packageDir) { shellIndex(d); d.sparse("model", 501<<20) }, want: "unpacked-size"},
	{name: "unpacked size on Lambda", platform: "lambda", make: func(d packageDir) { shellIndex(d); d.sparse("model", 251<<20) }, want: "unpacked-size",
		cloud: "Unzipped size must be smaller than 262144000 bytes"},
	{name: "upload size", zip: true, make: shellIndex, raw: grow(16 << 20), want: "upload-size"},
	{name: "packed size", platform: "functiongraph", zip: true, make: shellIndex, raw: grow(301 << 20), want: "packed-size"},
	{name: "variables", make: shellIndex, args: []string{"-env", "A1=" + strings.Repeat("x", 4095)}, want: "variables-size", cloud: "EnvironmentExceededLimit"},
	{name: "reserved variable on SCF", make: shellIndex, args: []string{"-env", "SCF_X=1"}, want: "variable-reserved"},
	{name: "reserved variable on Lambda", platform: "lambda", make: shellIndex, args: []string{"-env", "AWS_REGION=x"}, want: "variable-reserved", cloud: "Reserved keys used in this request: AWS_REGION"},
	{name: "name of a variable", platform: "lambda", make: shellIndex, args: []string{"-env", "MY-NAME=x"}, want: "variable-name"},
	{name: "slow start", make: onlyFile("index.sh", "sleep 0.3\n"+function, 0o644), args: []string{"-measure", "-timeout", "200ms"}, want: "slow-start",
		cloud: "Initializing task timed out after 1 seconds"},

	// Native modules.
	{name: "Python module of another processor", make: with("lib/x.cpython-311-aarch64-linux-gnu.so", string(fakeELF{machine: elf.EM_AARCH64, library: true}.bytes()), 0o644),
		want: "python-module", file: "lib/x.cpython-311-aarch64-linux-gnu.so"},
	{name: "Node module of macOS", make: with("build/x.node", "\xcf\xfa\xed\xfe\x07\x00\x00\x01", 0o644), want: "node-module", file: "build/x.node"},
	{name: "wheel of macOS", make: with("x-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-macosx_11_0_arm64\n", 0o644), want: "wheel", file: "x-1.dist-info/WHEEL"},
	{name: "wheel of musl", make: with("x-1.dist-info/WHEEL", "Tag: cp311-cp311-musllinux_1_1_x86_64\n", 0o644), want: "wheel", file: "x-1.dist-info/WHEEL"},
	{name: "wheel for a newer glibc", make: with("x-1.dist-info/WHEEL", "Tag: cp311-cp311-manylinux_2_28_x86_64\n", 0o644), want: "wheel-glibc", file: "x-1.dist-info/WHEEL"},
}

// rename gives an entry of a zip another name.
func rename(from, to string) func(*zip.FileHeader) {
	return func(h *zip.FileHeader) {
		if h.Name == from {
			h.Name = to
		}
	}
}

// patch overwrites bytes in both headers of the entry whose name begins with a
// letter: at an offset of the local header, which is two less than in the other.
func patch(name byte, offset int, with []byte) func(*testing.T, string) {
	return edit(func(text []byte) {
		for at := range text {
			switch rest := text[at:]; {
			case hasPrefix(rest, "PK\x03\x04") && len(rest) > 30 && rest[30] == name:
				copy(text[at+offset:], with)
			case hasPrefix(rest, "PK\x01\x02") && len(rest) > 46 && rest[46] == name:
				copy(text[at+offset+2:], with)
			}
		}
	})
}

func hasPrefix(text []byte, prefix string) bool { return bytes.HasPrefix(text, []byte(prefix)) }

// damage changes a letter of a content.
func damage(content string) func(*testing.T, string) {
	return edit(func(text []byte) {
		text[strings.Index(string(text), content)]++
	})
}

func edit(change func(text []byte)) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		change(text)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// grow puts a hole before the zip, which readers skip.
func grow(size int64) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if _, err := out.WriteAt(text, size); err != nil {
			t.Fatal(err)
		}
	}
}

// A diagnosis is what doctor -json prints.
type diagnosis struct {
	Runs             string
	Findings         []struct{ ID, Level, File, What, Cloud, Fix string }
	Skipped          []string
	Errors, Warnings int
}

func diagnose(t *testing.T, args ...string) (d diagnosis, status int) {
	t.Helper()
	stdout, stderr, status := ctl(t, nil, append([]string{"doctor", "-json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatalf("doctor %q: %v, status %d, stdout %q, stderr %s", args, err, status, stdout, stderr)
	}
	return d, status
}

// TestBrokenPackages examines each package, and runs it on the local platform
// if possible: it must fail there as doctor predicted.
func TestBrokenPackages(t *testing.T) {
	for _, b := range brokenPackages {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			d := packageDir{t, t.TempDir()}
			b.make(d)
			b.examine(t, d)
			if b.fails != "" {
				b.run(t, d)
			}
		})
	}
}

// Doctor accepts our own bootstrap for another processor in a folder, because pack
// replaces it.
func TestReplacedBootstrap(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	shellIndex(d)
	d.runtime("bootstrap", 0o755)
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	if got, status := diagnose(t, "-arch", other, d.string); status != 0 {
		t.Errorf("got status %d, %+v", status, got.Findings)
	}
}

func (b *broken) flags() []string {
	flags := slices.Clone(b.args)
	if b.platform != "" {
		flags = append(flags, "-platform", b.platform)
	}
	if b.handler != "" {
		flags = append(flags, "-handler", b.handler)
	}
	return flags
}

// placeholder matches the placeholders for values in the texts of the table.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// examine expects exactly the one finding.
func (b *broken) examine(t *testing.T, d packageDir) {
	target := d.string
	if b.zip {
		if _, err := os.Stat(filepath.Join(d.string, "bootstrap")); err != nil && !b.bare {
			d.runtime("bootstrap", 0o755)
		}
		target = d.zipped(b.change)
	}
	if b.raw != nil {
		b.raw(t, target)
	}
	got, status := diagnose(t, append(b.flags(), target)...)
	if len(got.Findings) != 1 {
		t.Fatalf("got %d findings, want only %s: %+v", len(got.Findings), b.want, got.Findings)
	}
	f := got.Findings[0]
	if f.ID != b.want || f.File != b.file || !strings.Contains(f.Cloud, b.cloud) || f.What == "" || f.Fix == "" {
		t.Errorf("got %+v\nwant %s of %q with %q", f, b.want, b.file, b.cloud)
	}
	if placeholder.MatchString(f.What + f.Cloud + f.Fix) {
		t.Errorf("got a text that is not filled in: %+v", f)
	}
	if want := map[string]int{"error": 1, "warning": 0}[f.Level]; status != want {
		t.Errorf("got the status %d of a finding that is %q", status, f.Level)
	}
}

// run invokes the same package on the local platform, and expects its failure.
func (b *broken) run(t *testing.T, d packageDir) {
	args := append([]string{"invoke", "-timeout", "30s", "-dir", d.string}, b.flags()...)
	_, stderr, status := output(t, exec.Command(bootstrapctl, args...))
	if status == 0 || !strings.Contains(stderr, b.fails) {
		t.Errorf("%q: got status %d, want a failure with %q: %s", args, status, b.fails, stderr)
	}
}
