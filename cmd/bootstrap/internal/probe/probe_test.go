package probe

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

// TestMain lets the tests and the probe start this program as a child.
func TestMain(m *testing.M) {
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "probe" && Child(args[1]):
	case len(args) == 1 && args[0] == "report":
		Report(os.Stdout)
	case len(args) == 1 && args[0] == "idle process 1":
		fakeInit()
	case len(args) == 3 && args[0] == "denied":
		probeWithDenial(args[1], args[2])
	default:
		os.Exit(m.Run())
	}
}

// fakeInit acts as a process 1 that reaps only its own child.
func fakeInit() {
	pid, err := syscall.ForkExec(os.Args[0], []string{os.Args[0], "report"}, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err == nil {
		_, err = syscall.Wait4(pid, nil, 0, nil)
	}
	if err != nil {
		panic(err)
	}
}

// probeWithDenial runs the probe after making the kernel refuse a system call
// with an errno.
func probeWithDenial(call, errno string) {
	runtime.LockOSThread()
	number, _ := strconv.Atoi(call)
	answer, _ := strconv.Atoi(errno)
	err := seccomp.Deny(uint32(number), syscall.Errno(answer))
	if err == nil {
		err = syscall.Exec(os.Args[0], []string{os.Args[0], "report"}, os.Environ())
	}
	panic(err)
}

// runProbe runs the probe through a wrapper, and returns the values of its
// lines by name. It checks the form of each line.
func runProbe(t *testing.T, env []string, wrapper ...string) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if len(wrapper) == 0 {
		wrapper = []string{self, "report"}
	}
	cmd := exec.Command(wrapper[0], wrapper[1:]...)
	cmd.Env = append(os.Environ(), append(env, "GORACE=atexit_sleep_ms=0")...)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors // the race detector warns that there is no /proc
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &errors)
	}
	return parseReport(t, out.String())
}

var linePattern = regexp.MustCompile(`^([^:]+): +(\S.*)$`)

func parseReport(t *testing.T, text string) map[string]string {
	t.Helper()
	values, column := map[string]string{}, -1
	for each := range strings.Lines(text) {
		parts := linePattern.FindStringSubmatchIndex(strings.TrimSuffix(each, "\n"))
		if parts == nil || column >= 0 && parts[4] != column {
			t.Fatalf("got the line %q, want a name and a value in column %d:\n%s", each, column, text)
		}
		column = parts[4]
		name := each[parts[2]:parts[3]]
		if values[name] != "" {
			t.Errorf("%s: reported twice", name)
		}
		values[name] = each[parts[4]:parts[5]]
	}
	if n := strings.Count(text, "\n"); n > 60 {
		t.Errorf("got %d lines, want 60 at most", n)
	}
	return values
}

// checkValues checks the beginnings of values.
func checkValues(t *testing.T, got map[string]string, pairs ...string) {
	t.Helper()
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.HasPrefix(got[pair[0]], pair[1]) {
			t.Errorf("%s: got %q, want %q", pair[0], got[pair[0]], pair[1])
		}
	}
}

// becomeParent makes us adopt the orphans of the probe. The test fails if any
// is left.
func becomeParent(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	t.Cleanup(func() {
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err == syscall.ECHILD {
				return
			}
			if pid == 0 {
				t.Fatal("the probe has left a process that runs")
			}
		}
	})
}

// On a complete system the probe finds everything, and shows no value of a
// variable.
func TestReport(t *testing.T) {
	becomeParent(t)
	dir := filepath.Join(t.TempDir(), "hush")
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/bin/sh", filepath.Join(bin, "jq")); err != nil {
		t.Fatal(err)
	}
	got := runProbe(t, []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + bin, "TOKEN=hush-hush", "LD_LIBRARY_PATH=" + dir, "AWS_LAMBDA_RUNTIME_API=hush:80"})
	for name, value := range got {
		if strings.Contains(value, "hush") {
			t.Errorf("%s: got %s, want no value of a variable", name, value)
		}
	}
	checkValues(t, got,
		"adopts orphans", "yes",
		"lists processes", "yes, by ",
		"finds leftovers", "yes",
		"others' orphans go to", fmt.Sprintf("process %d (probe.test)", os.Getpid()),
		"process 1 reaps zombies", "not tested",
		"this process", "",
		"gives children a group", "yes",
		"signals groups", "yes",
		"sees environments", "yes",
		"sees memory in use", "yes",
		"waits without reaping", "yes",
		"temp folder (TMPDIR)", "writable, ",
		"HOME", "writable, ",
		"in PATH", "jq",
		"not in PATH", "sh bash",
		"variables that are set", "HOME LD_LIBRARY_PATH TMPDIR",
		"user", fmt.Sprintf("%d, group %d, ", os.Getuid(), os.Getgid()),
	)
	if !strings.HasSuffix(got["bootstrap"], "platform: AWS Lambda") {
		t.Errorf("bootstrap: got %q", got["bootstrap"])
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
		t.Errorf("left in the temp folder: %v %v, want bin alone", entries, err)
	}
}

// When the kernel refuses a call, only what needs it is missing.
func TestReportOfDenials(t *testing.T) {
	becomeParent(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(self, "denied", fmt.Sprint(unix.SYS_PTRACE), "1").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine has no system call filters: %v %s", err, out)
	}
	for _, test := range []struct {
		call  uint32
		errno syscall.Errno
		want  []string
	}{
		{unix.SYS_PRCTL, syscall.EPERM, []string{"adopts orphans", "no (operation not permitted)", "finds leftovers", "yes", "workaround", "processes that events leave behind are found by a mark"}},
		{unix.SYS_PRCTL, syscall.EINVAL, []string{"adopts orphans", "no (invalid argument)"}},
		{unix.SYS_PRLIMIT64, syscall.EPERM, []string{"adopts orphans", "yes", "marks processes", "yes, by FUNCTION_RUN"}},
		{unix.SYS_WAITID, syscall.ENOSYS, []string{"waits without reaping", "no (function not implemented)", "adopts orphans", "yes"}},
		{unix.SYS_SETPGID, syscall.EPERM, []string{"gives children a group", "no (operation not permitted)", "signals groups", "no (no such process)", "sees environments", "yes"}},
		{unix.SYS_MEMFD_CREATE, syscall.ENOSYS, []string{"files in memory (memfd)", "no (function not implemented)", "HOME", "writable"}},
		{unix.SYS_PIDFD_OPEN, syscall.ENOSYS, []string{"opens pidfds", "no (function not implemented)", "waits without reaping", "yes"}},
		{unix.SYS_SOCKET, syscall.EAFNOSUPPORT, []string{"IPv6", "no (address family not supported by protocol)"}},
		{unix.SYS_STATFS, syscall.EACCES, []string{"HOME", "writable"}},
		{unix.SYS_UNAME, syscall.EPERM, []string{"kernel", "unknown (operation not permitted)"}},
	} {
		t.Run(fmt.Sprint(test.call, " ", test.errno), func(t *testing.T) {
			checkValues(t, runProbe(t, []string{"HOME=" + os.TempDir()}, self, "denied", fmt.Sprint(test.call), fmt.Sprint(int(test.errno))), test.want...)
		})
	}
}

// inNamespaces returns a wrapper that runs the probe in its own namespaces,
// after the setup in shell code.
func inNamespaces(t *testing.T, setup string, flags ...string) (wrapper []string) {
	t.Helper()
	wrapper = slices.Concat([]string{"unshare", "--mount"}, flags, []string{"sh", "-c", setup + ` && exec "$@"`, "sh"})
	if out, err := exec.Command(wrapper[0], append(wrapper[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine makes no such namespace: %v %s", err, out)
	}
	return wrapper
}

// Without /proc the probe finds its path by its name.
func TestReportWithoutProc(t *testing.T) {
	becomeParent(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const noProc = "mount -t tmpfs none /proc"
	for _, name := range []string{self, filepath.Base(self), "./" + filepath.Base(self)} {
		setup := noProc + ` && cd "` + filepath.Dir(self) + `" && PATH=$PATH:.`
		checkValues(t, runProbe(t, nil, append(inNamespaces(t, setup), name, "report")...),
			"adopts orphans", "yes",
			"marks processes", "yes",
			"lists processes", "no",
			"sees memory in use", "no",
			"waits without reaping", "yes",
			"reopens pipes through /proc/self/fd", "no (no such file or directory)",
			"capabilities", "unknown",
		)
	}
}

// The report shows a process 1 that does not reap.
func TestReportOfZombies(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inNamespace := inNamespaces(t, "true", "--pid", "--fork", "--mount-proc", "--kill-child")
	checkValues(t, runProbe(t, nil, append(inNamespace, self, "idle process 1")...),
		"process 1 reaps zombies", "no: one was still there after 3s",
		"others' orphans go to", "process 1 (probe.test)",
		"processes here", "2 running, 1 zombies: probe.test",
	)
	checkValues(t, runProbe(t, nil, append(inNamespace, self, "report")...), "process 1 reaps zombies", "this is process 1", "adopts orphans", "yes")
}

// The report shows what a bare /dev lacks, and folders that are read-only.
func TestReportOfBareDev(t *testing.T) {
	becomeParent(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bare := inNamespaces(t, "mount -o remount,bind,ro / && mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3")
	checkValues(t, runProbe(t, []string{"HOME=/root", "TMPDIR=/nowhere"}, append(bare, self, "report")...),
		"terminal (/dev/ptmx)", "no (no such file or directory)",
		"/dev/shm", "not writable (no such file or directory)",
		"in /dev", "null",
		"not in /dev", "zero full random urandom fd stdin stdout stderr tty ptmx pts shm",
		"HOME", "not writable (read-only file system)",
		"temp folder (TMPDIR)", "not writable (no such file or directory)",
	)
}

// An error of any kind is described without its path.
func TestYesOrNo(t *testing.T) {
	_, missing := os.Open("/hush")
	for err, want := range map[error]string{
		nil:     "yes",
		missing: "no (no such file or directory)",
		fmt.Errorf("cannot look at it: %w", syscall.EPERM): "no (operation not permitted)",
	} {
		if got := yesOrNo(err); !strings.HasPrefix(got, want) || strings.Contains(got, "hush") {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
