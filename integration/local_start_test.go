package integration

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const samFile = `Transform: AWS::Serverless-2016-10-31
Resources:
  Greeter:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: greeter
      Runtime: provided.al2023
      Handler: index.main_handler
      CodeUri: code/
      Timeout: 5
      Events:
        Get:
          Type: HttpApi
          Properties: {Path: /greet, Method: get}
        Put:
          Type: HttpApi
          Properties: {Path: /greet/me, Method: put}
        All:
          Type: HttpApi
        Tick:
          Type: Schedule
          Properties: {Schedule: rate(5 minutes), Name: tick}
`

// deployed returns a folder with a deploy file and its function.
func deployed(t *testing.T, body string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "code"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "template.yaml", samFile, 0o644)
	write(t, dir, "code/index.sh", "main_handler() {\n"+body+"\n}\n", 0o644)
	return dir
}

// A function comes from the current folder, folders, zips, or a deploy file.
// Only the address is on stdout.
func TestLocalStart(t *testing.T) {
	dir := shellFunction(t, `printf '"%s"' "$GREETING"`)
	other := shellFunction(t, `printf '"other"'`)
	file := deployed(t, `printf '"deployed"'`)
	for name, test := range map[string]struct {
		in   string
		args []string
		path string
		want string
	}{
		"current folder":      {dir, []string{"-env", "GREETING=hi"}, "", `"hi"`},
		"folder":              {"", []string{other}, "", `"other"`},
		"folders":             {"", []string{dir, zipOf(t, other)}, "?function=packed", `"other"`},
		"zip":                 {"", []string{zipOf(t, other)}, "", `"other"`},
		"deploy file":         {file, nil, "", `"deployed"`},
		"named deploy file":   {"", []string{"-f", filepath.Join(file, "template.yaml")}, "?function=greeter", `"deployed"`},
		"not its deploy file": {file, []string{"-platform", "lambda", "code"}, "?function=code", `"deployed"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveIn(t, test.in, test.args...)
			s.answers(t, test.path, "{}", 200, test.want)
			if status := s.stop(t); status != 0 || s.out.String() != "listening on "+s.url+"\n" {
				t.Errorf("got status %d and %q on stdout", status, s.out)
			}
		})
	}
}

// Wrong usage gets all complaints at once, and nothing runs.
func TestLocalUsage(t *testing.T) {
	file := deployed(t, "touch ran")
	broken := t.TempDir()
	write(t, broken, "template.yaml", "Resources: [\n", 0o644)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() })
	taken := busy.Addr().String()
	for name, test := range map[string]struct {
		in     string
		args   []string
		status int
		stderr []string
	}{
		"all at once": {"", []string{"-platform", "x", "-arch", "y", "-timeout", "0s", "-memory", "0", "-instances", "-1", "-queue", "-1", "-idle", "0s", "-env", "a", "-addr", "9000", "/nope", "/nope2"}, 2,
			[]string{`"x"`, `"y"`, "-timeout", "-memory", "-instances", "-queue", "-idle", `"a"`, `-addr "9000"`, "/nope:", "/nope2"}},
		"unknown flag":      {"", []string{"-instnaces", "3"}, 2, []string{"unknown flag -instnaces: did you mean -instances?"}},
		"not a number":      {"", []string{"-queue", "many"}, 2, []string{"-queue", "a whole number"}},
		"beside the file":   {file, []string{"-f", "template.yaml", "-memory", "64", "code"}, 2, []string{"cannot use -memory", `["code"]`}},
		"broken file":       {broken, nil, 2, []string{"template.yaml:2:"}},
		"no such file":      {"", []string{"-f", "/nope.yml"}, 2, []string{"/nope.yml", "no such file"}},
		"port taken":        {"", []string{"-addr", taken, filepath.Join(file, "code")}, 1, []string{taken, "address already in use", "choose another address with -addr"}},
		"refused setting":   {"", []string{"-memory", "1", filepath.Join(file, "code")}, 1, []string{"64 to 3072 MB"}},
		"not a zip":         {"", []string{filepath.Join(file, "template.yaml")}, 1, []string{"it is damaged"}},
		"no such keys":      {"", []string{"-keys", "/nope", filepath.Join(file, "code")}, 1, []string{"cannot read the keys", "/nope"}},
		"same name":         {"", []string{filepath.Join(file, "code"), filepath.Join(file, "code")}, 1, []string{"a function with this name exists: code"}},
		"bootstrap no exec": {"", []string{withoutMode(t)}, 1, []string{"not an executable file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := startFails(t, test.in, test.args...)
			if got.status != test.status {
				t.Errorf("got status %d, want %d: %s", got.status, test.status, got.stderr)
			}
			for _, text := range test.stderr {
				if !strings.Contains(got.stderr, text) {
					t.Errorf("want %q in\n%s", text, got.stderr)
				}
			}
		})
	}
	t.Cleanup(func() { // when all have run
		if _, err := os.Stat(filepath.Join(file, "code/ran")); err == nil {
			t.Error("the function ran")
		}
	})
}

// withoutMode returns a folder whose bootstrap is not executable.
func withoutMode(t *testing.T) string {
	dir := t.TempDir()
	write(t, dir, "bootstrap", "#!/bin/sh\n", 0o644)
	return dir
}

// makeZip makes a zip of entries with these modes.
func makeZip(t *testing.T, name string, mode os.FileMode, entries map[string][]byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := zip.NewWriter(out)
	for name, content := range entries {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(mode)
		entry, err := w.CreateHeader(header)
		if err == nil {
			_, err = entry.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// A zip that the platform cannot start fails with the platform's own error, and
// a finding of doctor explains it. The zip is not repaired.
func TestLocalBrokenZips(t *testing.T) {
	script := map[string][]byte{"bootstrap": []byte("#!/bin/sh\necho never\n")}
	for name, test := range map[string]struct {
		platform string
		mode     os.FileMode
		files    map[string][]byte
		finding  string
		answer   string
	}{
		"scf":                {"scf", 0o644, script, "bootstrap-not-executable", "ReloadFail: Bootstrap not executable"},
		"lambda":             {"lambda", 0o644, script, "bootstrap-not-executable", "fork/exec /var/task/bootstrap: permission denied"},
		"functiongraph":      {"functiongraph", 0o755, map[string][]byte{"linux/bootstrap": script["bootstrap"]}, "outer-folder", "runtime bootstrap file is not found"},
		"another processor":  {"lambda", 0o755, map[string][]byte{"bootstrap": fakeELF{machine: 0xb7}.bytes()}, "", "exec format error"},
		"windows line end":   {"lambda", 0o755, map[string][]byte{"bootstrap": []byte("#!/bin/sh\r\necho\r\n")}, "", "no such file or directory"},
		"its own root, SCF":  {"scf", 0o755, map[string][]byte{"my/bootstrap": script["bootstrap"]}, "", "HandlerNotFound"},
		"no shebang, Lambda": {"lambda", 0o755, map[string][]byte{"bootstrap": []byte("echo never\n")}, "", "exec format error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "-platform", test.platform, makeZip(t, "f.zip", test.mode, test.files))
			s.logs(t, "error: f: ")
			if !strings.Contains(s.log.String(), "["+test.finding) {
				t.Errorf("got no finding %s in\n%s", test.finding, s.log)
			}
			s.answers(t, "", "{}", 500, test.answer)
			s.stop(t)
			if strings.Contains(s.log.String(), "never") {
				t.Errorf("it ran:\n%s", s.log)
			}
		})
	}
}

// zipBomb returns a small zip that would unpack to 4 GB.
func zipBomb(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	deflate, err := flate.NewWriter(&packed, 9)
	if err == nil {
		_, err = deflate.Write(make([]byte, 64<<20))
	}
	if err == nil {
		err = deflate.Close()
	}
	sum := crc32.ChecksumIEEE(make([]byte, 64<<20))
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	for i := range 64 {
		entry, err2 := archive.CreateRaw(&zip.FileHeader{Name: fmt.Sprint("part", i), Method: zip.Deflate,
			CRC32: sum, CompressedSize64: uint64(packed.Len()), UncompressedSize64: 64 << 20})
		if err = errors.Join(err, err2); err == nil {
			_, err = entry.Write(packed.Bytes())
		}
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "bomb.zip", file.String(), 0o644)
	return filepath.Join(dir, "bomb.zip")
}

// The findings of doctor about a folder are shown at the start. A foreign
// runtime reads the handler in its own way, so there are none.
func TestLocalFindings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "index.sh", "other() { :; }\n", 0o644)
	s := serve(t, dir)
	s.logs(t, "it defines no function main_handler [function-missing]")
	s.logs(t, "define main_handler, or set the handler")
	text, err := os.ReadFile("testdata/runtime.py")
	if err != nil {
		t.Fatal(err)
	}
	other := makeZip(t, "other.zip", 0o755, map[string][]byte{"bootstrap": text})
	s = serve(t, other)
	s.answers(t, "", "1", 200, "1")
	if log := s.log.String(); strings.Contains(log, "warning") || strings.Contains(log, "error") {
		t.Errorf("got a finding in\n%s", log)
	}
}

// A hostile zip writes nothing outside its folder, and takes little memory.
func TestLocalHostileZips(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "escaped")
	up := strings.Repeat("../", 20)
	slip := makeZip(t, "slip.zip", 0o755, map[string][]byte{up + outside: []byte("x"), outside: []byte("x"), "bootstrap": []byte("#!/bin/sh\nsleep 60\n")})
	bomb := zipBomb(t)
	for _, file := range []string{slip, bomb} {
		got := startFails(t, "", file)
		if got.status != 1 || !strings.Contains(got.stderr, "cannot create the function") {
			t.Errorf("%s: got status %d, %s", file, got.status, got.stderr)
		}
		if got.peak == 0 || got.peak > 100<<10 {
			t.Errorf("%s: it used %d KB", file, got.peak)
		}
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a file was written outside")
	}
}

// printedCurl matches the commands that local prints.
var printedCurl = regexp.MustCompile(`(?m)^ +(curl .*)$`)

// Each command that local prints works when it is pasted.
func TestLocalPrintedCommands(t *testing.T) {
	t.Parallel()
	file := deployed(t, `event=$1; printf '%s' "${event:-none}"`)
	for name, s := range map[string]*served{
		"deploy file": serveIn(t, file),
		"one":         serve(t, shellFunction(t, `printf '{}'`)),
		"two":         serve(t, "-platform", "lambda", shellFunction(t, `printf '{}'`), zipOf(t, shellFunction(t, `printf '{}'`))),
	} {
		s.logs(t, "for the vendors' SDKs")
		commands := printedCurl.FindAllStringSubmatch(s.log.String(), -1)
		if want := map[string]int{"deploy file": 5, "one": 1, "two": 2}[name]; len(commands) != want {
			t.Errorf("%s: got %d commands, want %d:\n%s", name, len(commands), want, s.log)
		}
		var running sync.WaitGroup
		for _, command := range commands {
			running.Go(func() {
				stdout, stderr, status := shell(t, strings.Replace(command[1], "curl", "curl -sS --fail-with-body", 1))
				if status != 0 || stdout == "" {
					t.Errorf("%s: got status %d, %q, %s", command[1], status, stdout, stderr)
				}
			})
		}
		running.Wait()
		s.stop(t)
		if strings.Contains(s.log.String(), "✗") {
			t.Errorf("%s: an event failed:\n%s", name, s.log)
		}
	}
}
