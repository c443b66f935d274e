package failure

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/sandboxtest"
	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

// A hintTest is the log of a program, and the hint that fits it, with these
// variables, in a sandbox that lacks nearly everything.
type hintTest struct {
	log, advice string
	vars        map[string]string
	anywhere    bool // the advice does not depend on the sandbox
}

var (
	home    = map[string]string{"HOME": "/home/sbx_User1051"}
	root    = map[string]string{"HOME": "/"}
	library = map[string]string{"HOME": "/tmp", "LD_LIBRARY_PATH": "/var/lang/lib"}
)

var hintTests = []hintTest{
	{log: "killed by signal 9 (killed)", advice: "possibly out of memory"},
	{log: "exit status 137: Killed", advice: "possibly out of memory"},
	{log: "CalledProcessError: Command '['x']' died with <Signals.SIGKILL: 9>.", advice: "possibly out of memory"},
	{log: "killed by signal 31 (bad system call)", advice: "forbids a system call", anywhere: true},

	{log: "bash: /dev/fd/63: No such file or directory", advice: "has no /dev/fd, which <(…) and >(…) need"},
	{log: "Error: ENOENT: no such file or directory, open '/dev/fd/62'", advice: "has no /dev/fd"},
	{log: "    SemLock.__init__(self, SEMAPHORE, 1, 1, ctx=ctx)\nOSError: [Errno 38] Function not implemented", advice: "use threads, or Process with Pipe"},
	{log: "    sl = self._semlock = _multiprocessing.SemLock(\nFileNotFoundError: [Errno 2] No such file or directory", advice: "use threads, or Process with Pipe"},
	{log: "    self._fd = _posixshmem.shm_open(\nPermissionError: [Errno 13] Permission denied: '/psm_1'", advice: "use threads, or Process with Pipe"},
	{log: "Creating shared memory in /dev/shm/.org.chromium.Chromium.1 failed: No such file or directory (2)", advice: "--disable-dev-shm-usage"},
	{log: "FATAL: No usable sandbox! Update your kernel", advice: "--no-sandbox", anywhere: true},
	{log: "OSError: out of pty devices", advice: "has no terminal", anywhere: true},
	{log: "fatal: could not read Username: /dev/tty: No such device or address", advice: "has no terminal", anywhere: true},

	{log: "fatal: $HOME not set", advice: "set HOME=/tmp", vars: map[string]string{"HOME": ""}, anywhere: true},
	{log: "main.sh: line 3: HOME: unbound variable", advice: "set HOME=/tmp", vars: map[string]string{"HOME": ""}, anywhere: true},
	{log: "npm ERR! EROFS: read-only file system, mkdir '/home/sbx_User1051/.npm'", advice: "HOME is not writable here: set HOME=/tmp", vars: home, anywhere: true},
	{log: "FileNotFoundError: [Errno 2] No such file or directory: '/home/sbx_User1051/.cache'", advice: "set HOME=/tmp", vars: home, anywhere: true},
	{log: "mkdir: cannot create directory '/.config': Permission denied", advice: "set HOME=/tmp", vars: root},
	{log: "touch: cannot touch '/var/task/x': Read-only file system", advice: "that folder is read-only here: write to ", anywhere: true},
	{log: "No user exists for uid 993", advice: "is not in /etc/passwd: set USER and HOME", anywhere: true},

	{log: "/usr/bin/python3: symbol lookup error: /var/lang/lib/libcrypto.so.3: undefined symbol: x", advice: "env -u LD_LIBRARY_PATH", vars: library, anywhere: true},
	{log: "./tool: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by ./tool)", advice: "built for a newer C library", vars: library, anywhere: true},
	{log: "curl: /var/lang/lib/libssl.so.3: version `OPENSSL_3.2.0' not found (required by /lib64/libcurl.so.4)", advice: "env -u LD_LIBRARY_PATH", vars: library, anywhere: true},
	{log: "Error relocating ./tool: __vsnprintf_chk: symbol not found", advice: "another C library", anywhere: true},
	{log: "./tool: cannot execute binary file: Exec format error", advice: "another processor", anywhere: true},
	{log: "index.sh: line 2: $'\\r': command not found", advice: "Windows line ends", anywhere: true},
	{log: "/usr/bin/env: ‘bash\\r’: No such file or directory", advice: "Windows line ends", anywhere: true},
	{log: "index.sh: 2: \r: not found", advice: "Windows line ends", anywhere: true},

	{log: "OSError: [Errno 97] Address family not supported by protocol", advice: "has no IPv6: use 127.0.0.1 in place of localhost"},
	{log: "Error: connect EADDRNOTAVAIL ::1:8080", advice: "has no IPv6"},

	{log: "/usr/bin/jq: Argument list too long", advice: "128 KB for one argument", anywhere: true},
	{log: "RuntimeError: can't start new thread", advice: "processes and threads", anywhere: true},
	{log: "bash: fork: retry: Resource temporarily unavailable", advice: "processes and threads", anywhere: true},
	{log: "OSError: [Errno 24] Too many open files", advice: "open files: have it close", anywhere: true},
	{log: "fork/exec /opt/terraform: operation not permitted", advice: "Pdeathsig", anywhere: true},

	{log: "cat: /data/in.txt: No such file or directory"},
	{log: "read: Resource temporarily unavailable"},
	{log: "mkdir: cannot create directory '/var/x': Permission denied", vars: home},
	{log: "tool: symbol lookup error: ./lib.so: undefined symbol: x", vars: map[string]string{"LD_LIBRARY_PATH": ""}},
	{log: "fatal: $HOME not set", vars: map[string]string{"HOME": "/tmp"}},
}

// sandbox returns the sandbox of the test, with its variables.
func (test *hintTest) sandbox(countsKills bool) *Sandbox {
	getenv := func(name string) string {
		if value, ok := test.vars[name]; ok {
			return value
		}
		return os.Getenv(name)
	}
	return &Sandbox{Getenv: getenv, CountsKills: func() bool { return countsKills }}
}

// Each hint fits its logs, and every hint has a test.
func TestHints(t *testing.T) {
	if !sandboxtest.Run(t, `temp=${TMPDIR:-/tmp} && mount --bind "$temp" "$temp" && mount -o remount,bind,ro / && `+sandboxtest.BareDev) {
		return
	}
	tested := map[int]bool{}
	seccomp.Denying(t, unix.SYS_SOCKET, syscall.EAFNOSUPPORT, func() {
		for _, test := range hintTests {
			in := test.sandbox(false)
			text := strings.ToLower(test.log)
			if got := in.hint(text); !strings.Contains(got, test.advice) || (got == "") != (test.advice == "") {
				t.Errorf("%s: got %q, want …%s…", test.log, got, test.advice)
			}
			for i, h := range hints {
				if h.fits(text) && h.advice(in, text) != "" {
					tested[i] = true
					break
				}
			}
		}
	})
	for i, h := range hints {
		if h.contains != nil && !tested[i] {
			t.Errorf("%q: no test", h.contains)
		}
	}
}

// A sandbox that has the missing thing gives no hint about it.
func TestHintsElsewhere(t *testing.T) {
	for _, test := range hintTests {
		in := test.sandbox(true)
		if test.vars["HOME"] == "/" {
			test.vars = map[string]string{"HOME": t.TempDir()}
		}
		got := in.hint(strings.ToLower(test.log))
		switch {
		case strings.Contains(test.advice, "IPv6") && lacksIPv6(in):
			t.Log("NOT TESTED: this machine has no IPv6")
		case test.anywhere && !strings.Contains(got, test.advice):
			t.Errorf("%s: got %q, want …%s…", test.log, got, test.advice)
		case !test.anywhere && got != "":
			t.Errorf("%s: got %q, want nothing", test.log, got)
		}
	}
}
