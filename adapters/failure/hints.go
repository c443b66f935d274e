package failure

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"bootstrap/adapters/command"
	"bootstrap/protocol"

	"golang.org/x/sys/unix"
)

// A Sandbox answers the questions of hints about where a command runs.
type Sandbox struct {
	Getenv      func(name string) string // returns a variable of the command
	CountsKills func() bool              // reports whether the sandbox counts the processes that are killed because memory ran out
}

// A hint explains a failure that users meet in sandboxes.
type hint struct {
	// contains lists the texts that the message or the end of the log must contain,
	// in lower case. A | separates alternatives within a text.
	contains []string
	// advice returns the advice; empty: the hint does not apply in this sandbox.
	advice func(in *Sandbox, text string) string
}

// hints are tried in this order. The first that fits is used.
var hints = []hint{
	{nil, fullTemp},
	{[]string{"killed by signal 9|exit status 137|signals.sigkill|signal: 'sigkill'"}, where(countsNoKills,
		"possibly out of memory: this sandbox does not report why the kernel kills a process")},
	{[]string{"killed by signal 31|exit status 159|signals.sigsys|bad system call"}, always(
		"this sandbox forbids a system call that the program makes")},

	{[]string{"/dev/fd/", "no such|enoent"}, where(lacks("/dev/fd"),
		"this sandbox has no /dev/fd, which <(…) and >(…) need: use a pipe, a temporary file or /proc/self/fd")},
	{[]string{"semlock|multiprocessing", "[errno 38]"}, where(lacksWritable("/dev/shm"), noSharedMemory)},
	{[]string{"semlock|_posixshmem", "[errno 2]|[errno 13]|[errno 30]"}, where(lacksWritable("/dev/shm"), noSharedMemory)},
	{[]string{"/dev/shm", "no such|denied|read-only"}, where(lacksWritable("/dev/shm"),
		"this sandbox has no /dev/shm: have the program use the temp folder, and start Chrome with --disable-dev-shm-usage")},
	{[]string{"no usable sandbox|failed to move to new namespace|without --no-sandbox"}, always(
		"a program cannot make a sandbox inside this one: start Chrome with --no-sandbox")},
	{[]string{"/dev/ptmx|/dev/tty|out of pty devices", "no such|denied|out of"}, always(
		"this sandbox has no terminal: run the program in a mode that needs no terminal and asks no questions")},

	{[]string{"home not set|home is not set|home is not defined|home: unbound variable|home: parameter not set"}, where(lacksVariable("HOME"),
		"set HOME=/tmp")},
	{[]string{"read-only file system|erofs|denied|eacces|no such|enoent"}, unwritableHome},
	{[]string{"read-only file system|erofs"}, readOnly},
	{[]string{"getpwuid|no user exists for uid|cannot find name for user id|user in the passwd file"}, func(*Sandbox, string) string {
		return fmt.Sprintf("user %d of this sandbox is not in /etc/passwd: set USER and HOME, or stop the program from looking up its user name", os.Getuid())
	}},

	{[]string{"symbol lookup error"}, where(hasVariable("LD_LIBRARY_PATH"), foreignLibrary)},
	{[]string{"version `glibc_|version 'glibc_", "not found"}, always(
		"it is built for a newer C library than this system has: build it on this system, or link it statically")},
	{[]string{"version `|version '", "' not found (required by"}, where(hasVariable("LD_LIBRARY_PATH"), foreignLibrary)},
	{[]string{"error relocating", "symbol not found"}, always(
		"it is built for another C library than this system has: build it on this system, or link it statically")},
	{[]string{"exec format error|enoexec"}, always(
		"it is built for another processor than " + runtime.GOARCH + ", or a script has no #! line")},
	{[]string{`\r': command not found|\r': no such|\r’: no such|^m: bad interpreter|` + "\r: not found"}, always(
		"a script has Windows line ends (CRLF): save it with Unix ones (LF)")},

	{[]string{"address family not supported|eafnosupport"}, where(lacksIPv6, noIPv6)},
	{[]string{"cannot assign requested address|eaddrnotavail", "::1"}, where(lacksIPv6, noIPv6)},

	{[]string{"argument list too long|spawn e2big"}, always(
		"Linux takes 128 KB for one argument or variable: pass more on stdin or in a file")},
	{[]string{"can't start new thread|cannot fork|unable to create native thread"}, processLimit},
	{[]string{"fork|spawn|thread", "resource temporarily unavailable|eagain"}, processLimit},
	{[]string{"too many open files|emfile"}, func(*Sandbox, string) string {
		return fmt.Sprintf("this sandbox allows a process %s open files: have it close what it does not need", limitOf(unix.RLIMIT_NOFILE))
	}},
	{[]string{"fork/exec ", "operation not permitted"}, always(
		"perhaps the program asks to be killed with its parent (Pdeathsig), which this sandbox forbids")},
}

const (
	noSharedMemory = "this sandbox has no /dev/shm, which the locks, queues and pools of multiprocessing need: use threads, or Process with Pipe"
	foreignLibrary = "LD_LIBRARY_PATH may give it a library of another system: run it with env -u LD_LIBRARY_PATH"
	noIPv6         = "this sandbox has no IPv6: use 127.0.0.1 in place of localhost"
)

// hintLines is the number of lines at the end of a log that the hints search.
const hintLines = 12

// Advise adds the first hint that fits to the message of a failure, which it returns.
func (in *Sandbox) Advise(f *protocol.Failure) *protocol.Failure {
	text := f.Message + "\n" + strings.Join(f.Stack[max(0, len(f.Stack)-hintLines):], "\n")
	if advice := in.hint(strings.ToLower(text)); advice != "" {
		f.Message += " (" + advice + ")"
	}
	return f
}

func (in *Sandbox) hint(text string) string {
	for _, h := range hints {
		if !h.fits(text) {
			continue
		}
		if advice := h.advice(in, text); advice != "" {
			return advice
		}
	}
	return ""
}

func (h *hint) fits(text string) bool {
	for _, alternatives := range h.contains {
		if !containsOne(text, strings.Split(alternatives, "|")) {
			return false
		}
	}
	return true
}

func containsOne(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// always returns advice that holds everywhere.
func always(advice string) func(*Sandbox, string) string {
	return func(*Sandbox, string) string { return advice }
}

// where returns advice for a sandbox in which a condition holds.
func where(holds func(*Sandbox) bool, advice string) func(*Sandbox, string) string {
	return func(in *Sandbox, _ string) string {
		if holds(in) {
			return advice
		}
		return ""
	}
}

func lacks(path string) func(*Sandbox) bool {
	return func(*Sandbox) bool { return command.IsMissing(path) }
}

func lacksWritable(dir string) func(*Sandbox) bool {
	return func(*Sandbox) bool { return !isWritable(dir) }
}

func lacksVariable(name string) func(*Sandbox) bool {
	return func(in *Sandbox) bool { return in.Getenv(name) == "" }
}

func hasVariable(name string) func(*Sandbox) bool {
	return func(in *Sandbox) bool { return in.Getenv(name) != "" }
}

// lacksIPv6 tries the address ::1.
func lacksIPv6(*Sandbox) bool {
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer func() { _ = syscall.Close(fd) }() // nothing is sent
	return syscall.Bind(fd, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}) != nil
}

// countsNoKills reports whether nothing here distinguishes a process that was killed
// for lack of memory.
func countsNoKills(in *Sandbox) bool { return !in.CountsKills() }

// unwritableHome returns advice if the text names HOME and nothing can be written
// there.
func unwritableHome(in *Sandbox, text string) string {
	home := strings.TrimRight(in.Getenv("HOME"), "/")
	if home == "" { // it is the root
		home = "/."
	}
	if in.Getenv("HOME") == "" || !strings.Contains(text, strings.ToLower(home)) || isWritable(in.Getenv("HOME")) {
		return ""
	}
	return "HOME is not writable here: set HOME=/tmp"
}

func readOnly(*Sandbox, string) string {
	if dir := os.TempDir(); isWritable(dir) {
		return "that folder is read-only here: write to " + dir
	}
	return "this sandbox has no writable folder: on Kubernetes, mount an emptyDir at " + os.TempDir()
}

func isWritable(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }

func processLimit(*Sandbox, string) string {
	return "this sandbox allows " + limitOf(unix.RLIMIT_NPROC) + " processes and threads, including zombies: programs must wait for their children"
}

func limitOf(resource int) string {
	var limit unix.Rlimit
	if err := unix.Prlimit(0, resource, nil, &limit); err != nil || limit.Cur > 1<<30 {
		return "a limited number of"
	}
	return fmt.Sprint(limit.Cur)
}

// fullTemp returns advice if the temp folder is full.
func fullTemp(*Sandbox, string) string {
	var fs syscall.Statfs_t
	err := syscall.Statfs(os.TempDir(), &fs)
	if err == nil && fs.Blocks > 0 && (fs.Bavail == 0 || fs.Files > 0 && fs.Ffree == 0) {
		return "the temp folder " + os.TempDir() + " is full"
	}
	return ""
}
