//go:build linux

package readonly

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/seccomp"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"

	"golang.org/x/sys/unix"
)

// runtimeVariable makes the test binary a runtime.
const runtimeVariable = "READONLY_TEST_RUNTIME"

func TestMain(m *testing.M) {
	Main()
	if os.Getenv(runtimeVariable) != "" {
		serve()
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else each exit takes a second with -race
	os.Exit(m.Run())
}

// protected returns the folder, or skips the test if this machine lets us make
// no namespaces.
func protected(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Protect(dir)
	if err != nil {
		t.Skip(err)
	}
	return f
}

// shell runs a script in the folder, which it cannot write to.
func shell(t *testing.T, dir, script string, args ...string) (output string, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	var text bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &text, &text
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if err := protected(t, dir).Start(cmd); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its status is in cmd
	return strings.TrimSpace(text.String()), cmd
}

// folder returns a folder with a file.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("as it was\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A program cannot change its folder, whatever its name is, but can write to
// others.
func TestReadOnly(t *testing.T) {
	for _, name := range []string{"code", "a code folder", "*?[x]'\"\\é\n"} {
		dir := folder(t, name)
		writes := []string{"(echo x > file)", "(echo x > new)", "mkdir new", "rm file", "chmod 777 file", "(echo x > sub/new)", "mv file sub", "touch ."}
		for _, from := range []string{"", "cd /; cd \"$1\"; "} {
			if got, _ := shell(t, dir, from+strings.Join(writes, "; "), dir); strings.Count(got, "Read-only file system") != len(writes) {
				t.Errorf("%q, %s: got %s, want %d refusals", name, from, got, len(writes))
			}
		}
		other := t.TempDir()
		got, cmd := shell(t, dir, `cat file; pwd; echo written > "$1/new" && cat "$1/new"`, other)
		if want := "as it was\n" + dir + "\nwritten"; got != want || !cmd.ProcessState.Success() {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("ours"), 0o644); err != nil {
			t.Errorf("we cannot write any more: %v", err)
		}
	}
}

// Changes that other processes make in the folder are seen at once.
func TestChangesAreSeen(t *testing.T) {
	dir := folder(t, "code")
	cmd := exec.Command("/bin/sh", "-c", "read line; cat file")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout = dir, &out
	if err := protected(t, dir).Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(stdin, "go on")
	if err := cmd.Wait(); err != nil || out.String() != "new" {
		t.Errorf("got %q, %v", &out, err)
	}
}

func TestSymlink(t *testing.T) {
	dir := folder(t, "code")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link + "/file", dir + "/file", "file"} {
		if got, _ := shell(t, link, `echo x > "$1"`, path); !strings.Contains(got, "Read-only file system") {
			t.Errorf("%s: got %q", path, got)
		}
	}
	if got, _ := shell(t, link, "pwd -P"); got != dir {
		t.Errorf("got the folder %q, want %q", got, dir)
	}
}

// mountVariable names a folder with a mount, for a test that may not mount.
const mountVariable = "READONLY_TEST_MOUNT"

// mountWithin mounts a file system at sub in a folder, until the end of the test.
func mountWithin(t *testing.T, dir string) {
	t.Helper()
	sub := filepath.Join(dir, "sub")
	if err := unix.Mount("none", sub, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=777"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(sub, unix.MNT_DETACH) }) // it is mounted
}

// File systems that are mounted within the folder are read-only, too.
func TestMountsWithin(t *testing.T) {
	dir := os.Getenv(mountVariable)
	if dir == "" {
		dir = folder(t, "code")
		mountWithin(t, dir)
	}
	if got, _ := shell(t, dir, "echo x > sub/new"); !strings.Contains(got, "Read-only file system") {
		t.Errorf("got %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "new"), nil, 0o644); err != nil {
		t.Errorf("we cannot write any more: %v", err)
	}
}

// Apart from the folder, everything is the same as without the wrapper.
func TestSameProcess(t *testing.T) {
	dir := folder(t, "code")
	f := protected(t, dir)
	const script = `echo $$ "$0" "$@"; cut -d' ' -f5,6 /proc/self/stat; ls /proc/self/fd | tr '\n' ' '; env | sort; id; umask; ulimit -n; grep -E '^(Sig[BIC]|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status`
	run := func(start func(*exec.Cmd) error) (*exec.Cmd, string) {
		cmd := &exec.Cmd{Path: "/bin/sh", Args: []string{"another name", "-c", script, "zero", "one", "", "two words"}, Dir: dir}
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "B=2", "A=1=1", "EMPTY="}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, &out)
		}
		return cmd, regexp.MustCompile(`\b`+strconv.Itoa(cmd.Process.Pid)+`\b`).ReplaceAllString(out.String(), "PID")
	}
	_, want := run((*exec.Cmd).Start)
	_, got := run(f.Start)
	if os.Getuid() == 0 {
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		return
	}
	if other := strings.ReplaceAll(got, ",65534(nogroup)", ""); !strings.HasPrefix(other, want[:strings.Index(want, "uid=")]) ||
		!strings.Contains(got, "CapEff:\t0000000000000000\n") || !strings.Contains(got, "CapInh:\t0000000000000000\n") || !strings.Contains(got, "CapAmb:\t0000000000000000\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A program that cannot run gives the same error as without the wrapper.
func TestStartErrors(t *testing.T) {
	dir := folder(t, "code")
	f := protected(t, dir)
	for _, name := range []string{"./file", "./none", "/none", "no-such-program", "./sub"} {
		make := func() *exec.Cmd {
			cmd := exec.Command(name)
			cmd.Dir = dir
			return cmd
		}
		got, want := f.Start(make()), make().Start()
		if got == nil || got.Error() != want.Error() {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// A program in memory runs, although only this process has the file open.
func TestProgramInMemory(t *testing.T) {
	dir := folder(t, "code")
	f := protected(t, dir)
	fd, err := unix.MemfdCreate("program", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	memory := os.NewFile(uintptr(fd), "program")
	text, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := memory.Write(text); err != nil {
		t.Fatal(err)
	}
	program, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	memory.Close()
	run := func(start func(*exec.Cmd) error) string {
		cmd := exec.Command(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), program.Fd()), "-c", "echo it runs; ls /proc/self/fd")
		var out bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
		if err := start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		return out.String()
	}
	if got, want := run(f.Start), run((*exec.Cmd).Start); got != want || !strings.HasPrefix(got, "it runs\n") {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCannotProtect(t *testing.T) {
	for dir, want := range map[string]string{"/": "root folder", filepath.Join(t.TempDir(), "none"): "no such file"} {
		if f, err := Protect(dir); f != nil || err == nil {
			t.Errorf("%s: got %v, %v", dir, f, err)
		} else if !strings.Contains(err.Error(), want) && dir == "/" {
			t.Errorf("%s: got %v, want %s", dir, err, want)
		}
	}
}

// If the sandbox denies the system calls, Protect returns an error that says
// so.
func TestDenied(t *testing.T) {
	namespaces := uint32(unix.CLONE_NEWNS | unix.CLONE_NEWUSER)
	for want, denial := range map[string]seccomp.Denial{
		"cannot start a program in namespaces of its own: operation not permitted": seccomp.Denies(unix.EPERM, unix.SYS_CLONE).Where(seccomp.Bits(0, namespaces)),
		"cannot make mounts private: operation not permitted":                      seccomp.Denies(unix.EPERM, unix.SYS_MOUNT),
		"which needs Linux 5.12: function not implemented":                         seccomp.Denies(unix.ENOSYS, unix.SYS_MOUNT_SETATTR),
	} {
		protected(t, t.TempDir()) // it works without the denial
		done := make(chan error)
		go func() { // its thread, to which the denial belongs, ends with it
			err := seccomp.Load([]seccomp.Denial{denial})
			if err == nil {
				_, err = Protect(t.TempDir())
			}
			done <- err
		}()
		if err := <-done; err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Arguments that only look like those of the wrapper are left alone.
func TestDecode(t *testing.T) {
	w := wrapper{"/a b", true, 3, 4, []string{"/bin/sh", "", "x"}}
	if got, ok := decode(w.encode()); !ok || fmt.Sprint(got) != fmt.Sprint(w) {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, args := range [][]string{{}, {"x"}, {"x", argument}, {"x", "invoke", "a", "true", "3", "0", "sh"}, {"x", argument, "a", "yes?", "3", "0", "sh"}, {"x", argument, "a", "true", "x", "0", "sh"}} {
		if _, ok := decode(args); ok {
			t.Errorf("%q is taken for a wrapper", args)
		}
	}
}

// serve is a runtime for SCF. Its results say whether it could write.
func serve() {
	signal.Ignore(syscall.SIGPIPE)
	base := "http://" + os.Getenv("SCF_RUNTIME_API") + ":" + os.Getenv("SCF_RUNTIME_API_PORT")
	post := func(path, text string) {
		if _, err := http.Post(base+path, "text/plain", strings.NewReader(text)); err != nil {
			os.Exit(1)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { <-stop; os.Exit(7) }()
	post(protocol.SCF.Ready, " ")
	for {
		event, err := http.Get(base + protocol.SCF.Next)
		if err != nil {
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, event.Body)
		event.Body.Close()
		post(protocol.SCF.Response, fmt.Sprint(os.WriteFile("file", nil, 0o644)))
	}
}

// An emulator runs, freezes, limits, stops and clears such a runtime like any
// other.
func TestEmulator(t *testing.T) {
	dir := folder(t, "code")
	f := protected(t, dir)
	s, err := emulator.New(protocol.SCF, emulator.Function{
		Dir: dir, Timeout: time.Minute, MemoryMB: 1024, Env: []string{runtimeVariable + "=1", "GORACE=atexit_sleep_ms=0"},
		Start: f.Start, LimitMemory: true, Freeze: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r := emulator.NewRunner(s, []string{"/bin/sh", "-c", self + "; exit $?"}, &log, &log) // SIGTERM must find the child
	for range 3 {
		out, err := r.Invoke(context.Background(), emulator.Event{})
		if err != nil || string(out.Body) != "open file: read-only file system" || out.Memory == 0 {
			t.Errorf("got %v %q %q, %v: %s", out.Kind, out.Body, out.Reason, err, &log)
		}
	}
	if state := r.Stop(); state == nil || state.ExitCode() != 7 {
		t.Errorf("got %v: %s", state, &log)
	}
	if killed := r.Clear(); len(killed) > 0 {
		t.Errorf("left behind: %q", killed)
	}
}

// The same works as an ordinary user.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the other tests run as an ordinary user")
	}
	copied, err := os.MkdirTemp("/tmp", "readonly-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(copied)
	program := filepath.Join(copied, "test")
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	if err == nil {
		err = os.Chmod(copied, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.v", "-test.skip", "TestAsOrdinaryUser")
	cmd.Dir = "/"
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TMPDIR=") || strings.HasPrefix(v, "HOME=") })
	mounted := folder(t, "code")
	if err := os.Chmod(filepath.Dir(filepath.Dir(mounted)), 0o755); err != nil {
		t.Fatal(err)
	}
	mountWithin(t, mounted)
	cmd.Env = append(cmd.Env, "TMPDIR="+copied, mountVariable+"="+mounted)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("an ordinary user has no namespaces here:\n%s", out)
	}
}

// BenchmarkStart and BenchmarkStartReadOnly show the cost of the wrapper by
// their difference.
func BenchmarkStart(b *testing.B) { benchmark(b, (*exec.Cmd).Start) }

func BenchmarkStartReadOnly(b *testing.B) {
	f, err := Protect(b.TempDir())
	if err != nil {
		b.Skip(err)
	}
	benchmark(b, f.Start)
}

func benchmark(b *testing.B, start func(*exec.Cmd) error) {
	for b.Loop() {
		cmd := exec.Command("/bin/true")
		if err := start(cmd); err != nil {
			b.Fatal(err)
		}
		_ = cmd.Wait() // it cannot fail
	}
}
