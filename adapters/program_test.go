package adapters

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"bootstrap/adapters/failure"
	"bootstrap/internal/elftest"
	"bootstrap/internal/sandboxtest"
	"bootstrap/internal/seccomp"
	"bootstrap/supervisor"
	"bootstrap/supervisor/process"

	"golang.org/x/sys/unix"
)

// badPrograms cannot run, and each has a message of its own.
var badPrograms = []badProgram{
	{"windows line ends", []byte("#!/bin/sh\r\necho hi\r\n"), 0o755, "Function.BadInterpreter", "has Windows line ends (CRLF): save it with Unix ones (LF)"},
	{"no shebang", []byte("echo hi\n"), 0o755, "Function.BadInterpreter", "is neither a program for Linux nor a script that names its interpreter: begin it with a line such as #!/bin/sh"},
	{"a byte order mark", []byte("\xef\xbb\xbf#!/bin/sh\necho hi\n"), 0o755, "Function.BadInterpreter", "begins with a byte order mark"},
	{"no format at all", []byte("\x7fOLD\x00\x01\x02"), 0o755, "Function.BadInterpreter", "is neither a program for Linux nor a script"},
	{"another processor", elftest.Program(elftest.Other, ""), 0o755, "Function.BadInterpreter", "is built for another processor (" + map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]},
	{"an unknown processor", elftest.Program(elftest.S390, ""), 0o755, "Function.BadInterpreter", "is built for another processor (machine 22), not for"},
	{"no loader", elftest.Program(elftest.This, "/lib/ld-nowhere.so.1"), 0o755, "Function.BadInterpreter", "needs the loader /lib/ld-nowhere.so.1, which does not exist here"},
	{"not executable", []byte("#!/bin/sh\n"), 0o644, "Function.NotExecutable", "is not executable (mode 0644): chmod +x"},
	{"a folder", nil, 0o755, "Function.NotExecutable", "is a folder, not a program"},
	{"empty", []byte{}, 0o755, "Function.NotExecutable", "is empty"},
	{"no interpreter", []byte("#!/usr/bin/pyhton3 -u\n"), 0o755, "Function.BadInterpreter", "its interpreter /usr/bin/pyhton3 does not exist here"},
	{"no interpreter, no newline", []byte("#! /nowhere"), 0o755, "Function.BadInterpreter", "its interpreter /nowhere does not exist"},
	{"bare shebang", []byte("#!\necho hi\n"), 0o755, "Function.BadInterpreter", "its first line #! names no interpreter"},
	{"bare shebang and space", []byte("#! \t\n"), 0o755, "Function.BadInterpreter", "names no interpreter"},
	{"a very long first line", []byte("#!" + strings.Repeat("x", 9000)), 0o755, "Function.BadInterpreter", "does not exist here"},
}

type badProgram struct {
	name string
	text []byte // nil: a folder
	mode os.FileMode
	kind string
	want string
}

// tried reports whether only the kernel can tell that the program does not run.
func (p *badProgram) tried() bool {
	return strings.HasSuffix(p.name, " processor") || p.name == "no format at all"
}

// put writes a file, or makes a folder if text is nil.
func put(t *testing.T, path string, text []byte, mode os.FileMode) {
	t.Helper()
	err := os.RemoveAll(path)
	if err == nil && text == nil {
		err = os.Mkdir(path, mode)
	} else if err == nil {
		err = os.WriteFile(path, text, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestBadProgramAtStart(t *testing.T) {
	for _, test := range badPrograms {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, nil)
			c.Handler = "tool"
			put(t, c.Dir+"/tool", test.text, test.mode)
			if test.tried() {
				fails(t, start(t, c), "x", test.kind, test.want)
				return
			}
			wantFailure(t, startFailure(t, c), test.kind, c.Dir+"/tool")
			wantFailure(t, startFailure(t, c), test.kind, test.want)
		})
	}
}

// env exists, but looks for a program whose name ends in a carriage return.
func TestWindowsLineEndsAndEnv(t *testing.T) {
	c := config(t, files{"tool": "#!/usr/bin/env bash\r\n"})
	c.Handler = "tool"
	wantFailure(t, startFailure(t, c), "Function.BadInterpreter", "has Windows line ends")
}

// The program may be replaced after the start. The kernel then refuses it with
// a shorter message.
func TestBadProgramAtInvoke(t *testing.T) {
	for _, test := range badPrograms {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, files{"tool": "#!/bin/sh\nexec cat"})
			c.Handler = "tool"
			a := start(t, c)
			succeeds(t, a, "x", "x")
			put(t, c.Dir+"/tool", test.text, test.mode)
			fails(t, a, "x", test.kind, test.want)
			put(t, c.Dir+"/tool", []byte("#!/bin/sh\nexec cat"), 0o755)
			succeeds(t, a, "y", "y")
		})
	}
	t.Run("gone", func(t *testing.T) {
		c := config(t, files{"tool": "#!/bin/sh\nexec cat"})
		c.Handler = "tool"
		a := start(t, c)
		put(t, c.Dir+"/tool", nil, 0o755)
		if err := os.Remove(c.Dir + "/tool"); err != nil {
			t.Fatal(err)
		}
		fails(t, a, "x", "Function.NotFound", "tool does not exist")
	})
}

// No two faults have the same message.
func TestBadProgramsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, test := range badPrograms {
		file := filepath.Join(t.TempDir(), "tool")
		put(t, file, test.text, test.mode)
		message := strings.ReplaceAll(failure.OfStart(&process.StartError{Path: file, Errno: syscall.ENOEXEC}).Error(), file, "")
		if before, ok := seen[message]; ok && !strings.HasPrefix(test.name, before[:3]) {
			t.Errorf("%s and %s: the same message %q", before, test.name, message)
		}
		seen[message] = test.name
	}
	if len(seen) < 10 {
		t.Errorf("got %d messages, want at least 10", len(seen))
	}
}

func TestGoodPrograms(t *testing.T) {
	tests := []struct {
		name string
		text []byte
	}{
		{"an interpreter with an option", []byte("#!/bin/sh -e\ncat\n")},
		{"space before the interpreter", []byte("#! /bin/sh\ncat\n")},
		{"env", []byte("#!/usr/bin/env sh\ncat\n")},
		{"line ends in the second line only", []byte("#!/bin/sh\ncat #\r\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, nil)
			c.Handler = "tool"
			put(t, c.Dir+"/tool", test.text, 0o755)
			succeeds(t, start(t, c), "hello", "hello")
		})
	}
	t.Run("a binary", func(t *testing.T) {
		c := config(t, nil)
		c.Command = `["cat"]`
		succeeds(t, start(t, c), "hello", "hello")
	})
}

// A kernel with an emulator runs programs that look wrong.
func TestEmulatedProcessor(t *testing.T) {
	const setup = `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && emulator=$(mktemp) && chmod 755 $emulator &&
		echo '#!/bin/sh
		exec cat' >$emulator && printf ":other:M:18:$MACHINE::$emulator:" >/proc/sys/fs/binfmt_misc/register`
	t.Setenv("MACHINE", fmt.Sprintf(`\x%02x`, elftest.Other))
	if !sandboxtest.Run(t, setup, "--user", "--map-root-user") { // which has its own, from Linux 6.7 on
		return
	}
	for _, loader := range []string{"", "/lib/ld-nowhere.so.1"} {
		c := config(t, nil)
		c.Handler = "tool"
		put(t, c.Dir+"/tool", elftest.Program(elftest.Other, loader), 0o755)
		succeeds(t, start(t, c), "event", "event")
	}
}

// A user may not run a program that others may run.
func TestForbiddenProgram(t *testing.T) {
	if !sandboxtest.Run(t, `dir=$(mktemp -d) && mount -t tmpfs -o noexec none "$dir" && export TEST_NOEXEC="$dir"`) {
		return
	}
	c := config(t, files{"tool": "#!/bin/sh\n"})
	c.Command = `["` + os.Getenv("TEST_NOEXEC") + `/tool"]`
	put(t, os.Getenv("TEST_NOEXEC")+"/tool", []byte("#!/bin/sh\n"), 0o755)
	fails(t, start(t, c), "x", "Function.NotExecutable", "tool is on a file system that does not allow programs to run (noexec): put it elsewhere")

	c = config(t, files{"tool": "#!" + c.Dir + "/tool-of-data\n"})
	c.Handler = "tool"
	put(t, c.Dir+"/tool", []byte("#!"+c.Dir+"/data\n"), 0o755)
	put(t, c.Dir+"/data", []byte("#!/bin/sh\n"), 0o644)
	fails(t, start(t, c), "x", "Function.NotExecutable", fmt.Sprintf("the system does not let user %d run %s/tool (mode 0755), or its interpreter: chmod 755 both", os.Geteuid(), c.Dir))
}

// The start works in a sandbox that denies faccessat.
func TestProgramWithoutAccess(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS} {
		seccomp.Denying(t, unix.SYS_FACCESSAT, errno, func() {
			c := config(t, files{"tool": "#!/bin/sh\nexec cat"})
			c.Handler = "tool"
			succeeds(t, start(t, c), "event", "event")
		})
	}
}

// gVisor has another error for arguments that are too long. A path may be too
// long, as well.
func TestTooLong(t *testing.T) {
	file := folder(t, files{"tool": "#!/bin/sh\n"}) + "/tool"
	for _, test := range []struct {
		path  string
		errno syscall.Errno
		kind  string
	}{
		{file, syscall.E2BIG, "Function.EventTooLarge"},
		{file, syscall.ENAMETOOLONG, "Function.EventTooLarge"},
		{file + strings.Repeat("x", 300), syscall.ENAMETOOLONG, "Function.NotFound"},
	} {
		wantFailure(t, failure.OfStart(&process.StartError{Path: test.path, Errno: test.errno}), test.kind, "")
	}
}

// A shortage of the system is not reported as a fault of the program.
func TestStartAmongShortages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tool")
	put(t, file, elftest.Program(elftest.Other, ""), 0o755)
	for _, errno := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		err := &process.StartError{Path: file, Errno: errno}
		wantFailure(t, failure.OfStart(err), "Runtime.StartError", err.Error())
		err.Exhausted = true
		fatal, ok := failure.OfStart(err).(*supervisor.FatalError)
		if !ok || fatal.Failure.Type != "Runtime.TooManyProcesses" || fatal.Failure.Message != err.Error() {
			t.Errorf("got %v, want the end of the runtime", failure.OfStart(err))
		}
	}
}

// A script must be readable, too: its interpreter reads it. Nothing else can
// recognise an unreadable script by its content.
func TestUnreadableScript(t *testing.T) {
	if !sandboxtest.Run(t, `exec setpriv --bounding-set -dac_override,-dac_read_search "$@"`) {
		return
	}
	const remedy = " but not read it (mode 0711); the interpreter of a script must read it: chmod 755 it before packing it"
	unreadable := func(name, text string) setup {
		c := config(t, files{name: text})
		c.Handler, c.Command = name, `["./`+name+`"]`
		if err := errors.Join(os.Chown(filepath.Join(c.Dir, name), 65534, 65534), os.Chmod(filepath.Join(c.Dir, name), 0o711)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, name := range []string{"tool.sh", "tool.py", "tool.pl"} {
		c := unreadable(name, "#!/bin/sh\necho ok\n")
		wantFailure(t, c.adapter().Start(t.Context()), "Function.NotExecutable", "/"+name+remedy)
	}
	a := start(t, unreadable("tool", "#!/bin/bash\necho ok\n"))
	fails(t, a, "", "Function.NotExecutable", "/tool"+remedy)

	c := unreadable("worker", obeys)
	c.Worker = true
	wantFailure(t, c.adapter().Start(t.Context()), "Runtime.UserCodeExit", "/worker"+remedy)

	binary, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	succeeds(t, start(t, unreadable("program", string(text))), "ok", "ok")
}
