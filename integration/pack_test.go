package integration

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/examples"
	"bootstrap/protocol"
)

// goodPackages have no finding, on SCF. The examples are the first of them.
var goodPackages = []struct {
	name    string
	handler string
	args    []string
	make    func(d packageDir)
}{
	{name: "shell", make: example("shell")},
	{name: "cli", make: example("cli")},
	{name: "python", make: example("python")},
	{name: "node", make: example("node")},
	{name: "sidecar", make: example("sidecar")},
	{name: "worker", make: example("worker")},
	{name: "a program in a folder", handler: "bin/tool", make: onlyFile("bin/tool", "#!/bin/sh\ncat\n", 0o755)},
	{name: "a static program", handler: "tool", make: onlyFile("tool", string(fakeELF{}.bytes()), 0o755)},
	{name: "a program with its library", handler: "tool", make: func(d packageDir) {
		d.put("tool", string(fakeELF{loader: glibcLoader, needs: []string{"libx.so.1", "libc.so.6"}, glibc: "2.17"}.bytes()), 0o755)
		d.put("libx.so.1", string(fakeELF{library: true}.bytes()), 0o644)
	}},
	{name: "a link within the folder", make: func(d packageDir) {
		d.put("lib/handlers.sh", function, 0o644)
		d.link("index.sh", "lib/handlers.sh")
	}},
	{name: "wheels and a module that fit", make: func(d packageDir) {
		shellIndex(d)
		d.put("a-1.dist-info/WHEEL", "Tag: py3-none-any\n", 0o644)
		d.put("b-1.dist-info/WHEEL", "Tag: cp311-cp311-manylinux_2_28_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\n", 0o644)
		d.put("b.cpython-311-x86_64-linux-gnu.so", string(fakeELF{library: true, glibc: "2.17", needs: []string{"libpython3.so"}}.bytes()), 0o644)
	}},
	{name: "programs beside the function", make: func(d packageDir) {
		shellIndex(d)
		d.put("setup", "#!/bin/sh\n", 0o755)
		d.put("side", "#!/bin/sh\n", 0o755)
		d.put("Procfile", "side: [\"./side\"]\n", 0o644)
		d.put("bootstrap.env", "BOOTSTRAP_INIT_COMMAND='[\"./setup\"]'\nBOOTSTRAP_SIDECARS=Procfile\n", 0o644)
	}},
	{name: "a text with Windows line ends", make: with("notes.txt", "one\r\ntwo\r\n", 0o644)},
}

// example copies one of the examples.
func example(name string) func(packageDir) {
	return func(d packageDir) {
		files, err := fs.Sub(examples.Files, name)
		if err == nil {
			err = os.CopyFS(d.string, files)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// TestGoodPackages examines each as a folder and as the zip that pack makes of
// it.
func TestGoodPackages(t *testing.T) {
	for _, g := range goodPackages {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			d := packageDir{t, t.TempDir()}
			g.make(d)
			flags := g.args
			if g.handler != "" {
				flags = append(flags, "-handler", g.handler)
			}
			file := filepath.Join(t.TempDir(), "function.zip")
			if _, stderr, status := ctl(t, nil, append([]string{"pack", "-o", file, d.string}, flags...)...); status != 0 {
				t.Fatalf("pack: got status %d: %s", status, stderr)
			}
			for _, target := range []string{d.string, file} {
				got, status := diagnose(t, append(flags, target)...)
				if len(got.Findings) > 0 || status != 0 || got.Runs == "" {
					t.Errorf("%s: got status %d, %+v", target, status, got)
				}
			}
		})
	}
}

// entriesOf returns the entries of a zip.
func entriesOf(t *testing.T, file string) map[string]*zip.File {
	t.Helper()
	archive, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	entries := map[string]*zip.File{}
	for _, f := range archive.File {
		entries[f.Name] = f
	}
	return entries
}

// TestPackModes packs files that have lost their modes, as on Windows.
func TestPackModes(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	for name, text := range map[string]string{"index.sh": function, "tool": "#!/bin/sh\n", "prog": string(fakeELF{}.bytes()), "data.json": "{}", "deep/er/secret": "x"} {
		d.put(name, text, 0o600)
	}
	d.put(".git/config", "x", 0o644)
	d.put(".bootstrapignore", "# comment\n*.log\n/build/\n!keep.log\n", 0o644)
	d.put("a.log", "", 0o644)
	d.put("keep.log", "", 0o644)
	d.put("build/x", "", 0o644)
	file := filepath.Join(d.string, "out.zip")
	stdout, stderr, status := ctl(t, nil, "pack", "-o", file, d.string)
	if status != 0 || !strings.Contains(stdout, "(7 files, 4 left out)") {
		t.Fatalf("got status %d, %s%s", status, stdout, stderr)
	}
	want := map[string]fs.FileMode{"bootstrap": 0o755, "tool": 0o755, "prog": 0o755, "index.sh": 0o644, "data.json": 0o644, "deep/er/secret": 0o644, "keep.log": 0o644}
	entries := entriesOf(t, file)
	if len(entries) != len(want) {
		t.Errorf("got %d entries, want %d", len(entries), len(want))
	}
	for name, mode := range want {
		if f := entries[name]; f == nil || f.Mode() != mode || !f.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: got %+v, want mode %v", name, f, mode)
		}
	}
	again, _, _ := ctl(t, nil, "pack", "-o", file, d.string) // the zip of before stays out
	if !strings.Contains(again, "(7 files") {
		t.Errorf("got %s", again)
	}
}

// TestPackInside packs a folder from within, again and again: its own zip stays
// out.
func TestPackInside(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	shellIndex(d)
	for range 2 {
		if stdout, stderr, status := shellIn(t, d.string, "bootstrapctl pack"); status != 0 || !strings.Contains(stdout, "(2 files)") {
			t.Errorf("got status %d, %s%s", status, stdout, stderr)
		}
	}
	if stdout, stderr, status := shellIn(t, filepath.Dir(d.string), "bootstrapctl pack -o x.zip "+filepath.Base(d.string)); status != 0 || !strings.Contains(stdout, "(2 files)") {
		t.Errorf("from outside: got status %d, %s%s", status, stdout, stderr)
	}
}

// TestPackSameBytes packs the same files from two folders of different names,
// umasks, times and orders of creation.
func TestPackSameBytes(t *testing.T) {
	var zips [][]byte
	for i, umask := range []int{0o022, 0o077} {
		d := packageDir{t, filepath.Join(t.TempDir(), strings.Repeat("x", i+1))}
		names := []string{"index.sh", "b/tool", "a.txt"}
		if i == 1 {
			names = []string{"a.txt", "b/tool", "index.sh"}
		}
		for _, name := range names {
			d.put(name, map[string]string{"index.sh": function, "b/tool": "#!/bin/sh\n", "a.txt": "text"}[name], fs.FileMode(0o777&^umask))
			then := time.Unix(int64(1e9*(i+1)), 0)
			if err := os.Chtimes(filepath.Join(d.string, name), then, then); err != nil {
				t.Fatal(err)
			}
		}
		d.link("link", "a.txt")
		file := filepath.Join(t.TempDir(), "out.zip")
		if _, stderr, status := ctl(t, nil, "pack", d.string, "-o", file); status != 0 {
			t.Fatal(stderr)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		zips = append(zips, content)
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("the zips differ")
	}
}

// TestPackDate uses SOURCE_DATE_EPOCH.
func TestPackDate(t *testing.T) {
	for epoch, want := range map[string]string{"1700000000": "2023-11-14 22:13:20", "0": "1980-01-01 00:00:00", "x": ""} {
		d := packageDir{t, t.TempDir()}
		shellIndex(d)
		file := filepath.Join(t.TempDir(), "out.zip")
		cmd := exec.Command(bootstrapctl, "pack", "-o", file, d.string)
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+epoch)
		_, stderr, status := output(t, cmd)
		if want == "" {
			if status != 1 || !strings.Contains(stderr, `SOURCE_DATE_EPOCH is "x": expected seconds since 1970`) {
				t.Errorf("got status %d, %s", status, stderr)
			}
			continue
		}
		if got := entriesOf(t, file)["index.sh"].Modified.UTC().Format(time.DateTime); got != want {
			t.Errorf("%s: got %s, want %s", epoch, got, want)
		}
	}
}

// TestPackFix corrects line ends in the zip, and not in the folder.
func TestPackFix(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	d.put("index.sh", "\ufeffmain_handler() {\r\n\techo hi\r\n}\r\n", 0o644)
	d.put("notes.txt", "a\r\n", 0o644)
	file := filepath.Join(t.TempDir(), "out.zip")
	if _, stderr, status := ctl(t, nil, "pack", "-o", file, d.string); status != 1 || !strings.Contains(stderr, "the function cannot work") {
		t.Fatalf("got status %d, %s", status, stderr)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a zip was written in spite of an error")
	}
	if _, stderr, status := ctl(t, nil, "pack", "-fix", "-o", file, d.string); status != 0 {
		t.Fatal(stderr)
	}
	for name, want := range map[string]string{"index.sh": "main_handler() {\n\techo hi\n}\n", "notes.txt": "a\r\n"} {
		if got := textOf(t, entriesOf(t, file)[name]); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(d.string, "index.sh")); err != nil || !strings.Contains(string(text), "\r") {
		t.Errorf("the folder was changed: %q, %v", text, err)
	}
}

func textOf(t *testing.T, f *zip.File) string {
	t.Helper()
	content, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPackForce packs code that cannot work.
func TestPackForce(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	d.put("app.sh", function, 0o644)
	file := filepath.Join(t.TempDir(), "out.zip")
	if stdout, stderr, status := ctl(t, nil, "pack", "-force", "-o", file, d.string); status != 0 || !strings.Contains(stdout, "error: ") {
		t.Errorf("got status %d, %s%s", status, stdout, stderr)
	}
	if entriesOf(t, file)["app.sh"] == nil {
		t.Error("the zip does not have the file")
	}
}

// TestPackOwnBootstrap keeps a bootstrap that is not this project's, and replaces
// one that is.
func TestPackOwnBootstrap(t *testing.T) {
	for text, want := range map[string]bool{"#!/bin/bash\n": true, "ours": false} {
		d := packageDir{t, t.TempDir()}
		shellIndex(d)
		if text == "ours" {
			program, err := os.ReadFile(bootstrap)
			if err != nil {
				t.Fatal(err)
			}
			text = string(program) + "another build"
		}
		d.put("bootstrap", text, 0o644)
		file := filepath.Join(t.TempDir(), "out.zip")
		if _, stderr, status := ctl(t, nil, "pack", "-o", file, d.string); status != 0 {
			t.Fatal(stderr)
		}
		f := entriesOf(t, file)["bootstrap"]
		if got := textOf(t, f) == text; got != want || f.Mode() != 0o755 {
			t.Errorf("kept: got %v, want %v; mode %v", got, want, f.Mode())
		}
	}
}

// TestPackErrors makes each fault happen.
func TestPackErrors(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	shellIndex(d)
	for _, row := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"pack", filepath.Join(d.string, "nothing")}, 2, "expected a folder"},
		{[]string{"pack", filepath.Join(d.string, "index.sh")}, 2, "expected a folder"},
		{[]string{"pack", "-o", filepath.Join(d.string, "no/folder/x.zip"), d.string}, 1, "cannot write the zip: "},
		{[]string{"pack", "-o", "/dev/full/x.zip", d.string}, 1, "cannot write the zip: "},
		{[]string{"pack", "-arch", "mips", d.string}, 2, `-arch "mips": expected amd64 or arm64`},
		{[]string{"doctor", filepath.Join(d.string, "nothing")}, 2, "expected a folder or a zip"},
		{[]string{"doctor", filepath.Join(d.string, "index.sh")}, 2, "not a valid zip file"},
		{[]string{"doctor", "-platform", "gcp", "-env", "x", "-timeout", "0s", d.string}, 2, "-env \"x\": expected NAME=value\n-platform \"gcp\": expected scf, functiongraph or lambda\n-timeout must be more than 0"},
		{[]string{"init", "cobol"}, 2, "is not a kind of function"},
		{[]string{"init", "sh", d.string}, 1, "index.sh: it exists"},
		{[]string{"init", "sh", "/dev/null/x"}, 1, "cannot write "},
	} {
		if _, stderr, status := ctl(t, nil, row.args...); status != row.status || !strings.Contains(stderr, row.want) {
			t.Errorf("%q: got status %d, %s\nwant %d, %q", row.args, status, stderr, row.status, row.want)
		}
	}
}

// TestPackUnreadable refuses a folder with a file that cannot be read, and one
// whose .bootstrapignore cannot.
func TestPackUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		dropped(t)
		return
	}
	unreadable(t, nil)
}

// dropped runs the tool as another user, because root can read everything.
func dropped(t *testing.T) {
	unreadable(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
}

func unreadable(t *testing.T, as *syscall.SysProcAttr) {
	folder := t.TempDir()
	for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d := packageDir{t, folder}
	shellIndex(d)
	d.put("secret", "x", 0o000)
	cmd := exec.Command(bootstrapctl, "doctor", "-json", d.string)
	cmd.SysProcAttr = as
	if stdout, stderr, status := output(t, cmd); status != 1 || !strings.Contains(stdout, `"unreadable-here"`) || !strings.Contains(stdout, "permission denied") {
		t.Errorf("got status %d, %s%s", status, stdout, stderr)
	}
	d.put(".bootstrapignore", "secret\n", 0o000)
	cmd = exec.Command(bootstrapctl, "doctor", d.string)
	cmd.SysProcAttr = as
	if _, stderr, status := output(t, cmd); status != 2 || !strings.Contains(stderr, "cannot read .bootstrapignore") {
		t.Errorf("got status %d, %s", status, stderr)
	}
}

// TestInit makes each kind of function, runs it as its README says, and packs
// it.
func TestInit(t *testing.T) {
	for kind, want := range map[string]string{"sh": "name", "python": "Hello, Ada!", "node": "Hello, Ada!", "tool": "WORDS", "worker": "Ada", "sidecar": "Hello, Ada!"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			stdout, stderr, status := shellIn(t, dir, "bootstrapctl init "+kind)
			if status != 0 {
				t.Fatal(stderr)
			}
			for line := range strings.Lines(stdout) { // the next commands
				command := strings.TrimSpace(line)
				if !strings.HasPrefix(command, "bootstrapctl ") {
					continue
				}
				result, log, status := shellIn(t, dir, command)
				if status != 0 || strings.Contains(command, "invoke") && result == "" {
					t.Errorf("%s: got status %d, %s%s", command, status, result, log)
				}
			}
			command := strings.ReplaceAll(readmeCommand(t, filepath.Join(dir, "README.md")), "examples", "?")
			if result, log, status := shellIn(t, dir, command); status != 0 || !strings.Contains(result, want) {
				t.Errorf("%s: got status %d, %s%s", command, status, result, log)
			}
			if _, stderr, status := shellIn(t, dir, "bootstrapctl init "+kind); status != 1 || !strings.Contains(stderr, "it exists") {
				t.Errorf("a second init: got status %d, %s", status, stderr)
			}
		})
	}
}

// shellIn runs a command line in a folder, with our bootstrapctl.
func shellIn(t *testing.T, dir, line string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bootstrapctl)+":"+os.Getenv("PATH"))
	return output(t, cmd)
}

// TestPackRuns unpacks the zip that pack has written and runs it with its
// bootstrap, on each platform.
func TestPackRuns(t *testing.T) {
	d := packageDir{t, t.TempDir()}
	example("shell")(d)
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		file := filepath.Join(t.TempDir(), "out.zip")
		stdout, stderr, status := ctl(t, nil, "pack", "-platform", p.Name, "-o", file, d.string)
		if status != 0 || !strings.Contains(stdout, "the bash function main_handler in index.sh") {
			t.Fatalf("got status %d, %s%s", status, stdout, stderr)
		}
		unpacked := packageDir{t, t.TempDir()}
		for name, f := range entriesOf(t, file) {
			unpacked.put(name, textOf(t, f), f.Mode())
		}
		result, log, status := ctl(t, nil, "invoke", "-platform", p.Name, "-dir", unpacked.string, "-event", `{"a":1}`)
		if status != 0 || result != `{"a":1}` {
			t.Errorf("got status %d, %q, %s", status, result, log)
		}
	})
}
