package probe

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"bootstrap/internal/cgroup"
	"bootstrap/protocol"

	"golang.org/x/sys/unix"
)

// programs adds the interpreters and tools that a function may need.
func (r *report) programs() {
	inPath, missing := partition([]string{"sh", "bash", "python3", "node", "perl", "ruby", "php", "java", "curl", "jq", "git", "tar", "unzip", "ps", "openssl"}, isInPath)
	r.add("in PATH", "%s", inPath)
	r.add("not in PATH", "%s", missing)
	var others []string
	for _, pattern := range []string{"/var/lang/bin/*", "/var/lang/*/bin/*", "/opt/bin/*", "/opt/*/bin/*", "/usr/local/bin/*", "/usr/bin/*"} {
		found, _ := filepath.Glob(pattern) // the pattern is valid
		for _, path := range found {
			if isInterpreter(filepath.Base(path)) && len(others) < 12 {
				others = append(others, path)
			}
		}
	}
	r.add("interpreters", "%s", none(strings.Join(others, " ")))
	shell, err := filepath.EvalSymlinks("/bin/sh")
	r.add("/bin/sh", "%s", orElse(err, shell))
}

func isInPath(name string) bool {
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// isInterpreter reports whether a file has the name of an interpreter, such as
// python3.9.
func isInterpreter(name string) bool {
	for _, language := range []string{"python", "node", "ruby", "php", "java", "perl"} {
		if rest, ok := strings.CutPrefix(name, language); ok && strings.Trim(rest, "0123456789.") == "" {
			return true
		}
	}
	return false
}

// system adds the kernel, the C library and the machine.
func (r *report) system() {
	var names unix.Utsname
	err := unix.Uname(&names)
	r.add("kernel", "%s", orElse(err, unix.ByteSliceToString(names.Release[:])+" "+unix.ByteSliceToString(names.Version[:])))
	r.add("processor", "%s of %d, and this program is for %s", unix.ByteSliceToString(names.Machine[:]), runtime.NumCPU(), runtime.GOARCH)
	r.add("distribution", "%s", distribution())
	r.add("C library", "%s", libraries())
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		r.add("memory", "%d MB", uint64(info.Totalram)*uint64(info.Unit)>>20)
	}
	r.add("memory group (cgroup)", "%s", none(cgroup.Describe()))
	r.add("IPv6", "%s", yesOrNo(listen6()))
}

func platform() string {
	p, err := protocol.Detect("", os.Getenv)
	if err != nil {
		return "none"
	}
	return p.Title
}

// distribution returns the name that the system gives itself.
func distribution() string {
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, _ := os.ReadFile(path) // missing: unknown
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
				return strings.Trim(strings.TrimSpace(name), `"'`)
			}
		}
	}
	return "unknown"
}

// libraries lists the loaders of C libraries, and the file of an old glibc,
// which has its version.
func libraries() string {
	var found []string
	for _, pattern := range []string{"/lib*/ld-*.so*", "/lib*/libc-*.so", "/lib*/*-linux-gnu/libc-*.so"} {
		paths, _ := filepath.Glob(pattern) // the pattern is valid
		for _, path := range paths {
			if len(found) < 6 {
				found = append(found, path)
			}
		}
	}
	return none(strings.Join(found, " "))
}

// listen6 tries the address ::1.
func listen6() error {
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(fd) }() // nothing was sent
	return syscall.Bind(fd, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}})
}

// user adds the user who runs us, and its rights.
func (r *report) user() {
	entry := "not in /etc/passwd"
	passwd, _ := os.ReadFile("/etc/passwd") // missing: no entry
	for line := range bytes.Lines(passwd) {
		if fields := bytes.Split(line, []byte(":")); len(fields) > 2 && string(fields[2]) == fmt.Sprint(os.Getuid()) {
			entry = "in /etc/passwd"
		}
	}
	r.add("user", "%d, group %d, %s", os.Getuid(), os.Getgid(), entry)
	status, _ := os.ReadFile("/proc/self/status") // missing: unknown
	for _, field := range []struct{ name, key string }{
		{"capabilities", "CapEff"}, {"no new privileges", "NoNewPrivs"}, {"system call filter (seccomp)", "Seccomp"},
	} {
		_, rest, _ := bytes.Cut(status, []byte("\n"+field.key+":"))
		value, _, _ := bytes.Cut(rest, []byte("\n"))
		r.add(field.name, "%s", cmp.Or(string(value), "unknown"))
	}
	set, _ := partition([]string{"HOME", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "TZ", "HTTP_PROXY", "http_proxy"}, func(name string) bool { return os.Getenv(name) != "" })
	r.add("variables that are set", "%s", set)
}
