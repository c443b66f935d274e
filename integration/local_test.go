package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/locked"

	"golang.org/x/sys/unix"
)

// A served is a running bootstrapctl local.
type served struct {
	cmd      *exec.Cmd
	url      string
	out, log *locked.Buffer // of its stdout and stderr
	temp     string         // its folder for temporary files
	waited   bool
}

// serve runs bootstrapctl local at a free port until the end of the test.
func serve(t *testing.T, args ...string) *served {
	t.Helper()
	return serveIn(t, "", args...)
}

// serveIn does the same as serve in a folder.
func serveIn(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	return serveBehind(t, nil, dir, args...)
}

// serveWritable does the same as serve on a machine that cannot make code
// folders read-only.
func serveWritable(t *testing.T, args ...string) *served {
	t.Helper()
	call := ownCall{number: unix.SYS_MOUNT}
	return serveBehind(t, []string{os.Args[0], withoutFlag, call.text(), strconv.Itoa(int(syscall.EPERM))}, "", args...)
}

// serveBehind does the same as serveIn behind a wrapper.
func serveBehind(t *testing.T, wrapper []string, dir string, args ...string) *served {
	t.Helper()
	command := slices.Concat(wrapper, []string{bootstrapctl, "local", "-addr", "127.0.0.1:0"}, args)
	s := &served{cmd: exec.Command(command[0], command[1:]...),
		out: &locked.Buffer{}, log: &locked.Buffer{}, temp: t.TempDir()}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, s.out, s.log
	s.cmd.Env = append(os.Environ(), "TMPDIR="+s.temp)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	until(t, "it listens", func() bool {
		_, url, found := strings.Cut(s.out.String(), "listening on ")
		s.url = strings.TrimSuffix(url, "\n")
		return found && s.url != url
	})
	return s
}

// stop presses Ctrl-C and returns the exit status.
func (s *served) stop(t *testing.T) int {
	t.Helper()
	if !s.waited {
		_ = s.cmd.Process.Signal(syscall.SIGINT) // it may have exited
	}
	return s.wait(t)
}

// wait waits for the exit and returns the status. No temporary file is left.
func (s *served) wait(t *testing.T) int {
	t.Helper()
	if !s.waited {
		s.waited = true
		_ = s.cmd.Wait() // the status says more
		until(t, "the temp folder is empty", func() bool {
			files, err := os.ReadDir(s.temp)
			return err == nil && len(files) == 0
		})
	}
	return s.cmd.ProcessState.ExitCode()
}

// logs waits for a text in the log.
func (s *served) logs(t *testing.T, text string) {
	t.Helper()
	until(t, text+" is in the log", func() bool { return strings.Contains(s.log.String(), text) })
}

// post sends an event to the only function, or to the one that the path names.
func (s *served) post(t *testing.T, path, event string) (status int, body string) {
	t.Helper()
	response, err := http.Post(s.url+"/"+path, "application/json", strings.NewReader(event))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	return readResponse(t, response)
}

func readResponse(t *testing.T, response *http.Response) (status int, body string) {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

// get returns the answer to a GET.
func (s *served) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	response, err := http.Get(s.url + "/" + path)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	return readResponse(t, response)
}

// answers checks the answer to an event.
func (s *served) answers(t *testing.T, path, event string, status int, want string) {
	t.Helper()
	if got, body := s.post(t, path, event); got != status || !strings.Contains(body, want) {
		t.Errorf("%s: got %d %q, want %d %q; log:\n%s", event, got, body, status, want, s.log)
	}
}

// zipOf packs a folder and returns the zip.
func zipOf(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "packed.zip")
	if _, stderr, status := ctl(t, nil, "pack", "-o", file, dir); status != 0 {
		t.Fatalf("pack: got status %d: %s", status, stderr)
	}
	return file
}

// A failedStart holds the output of a bootstrapctl local that did not start.
type failedStart struct {
	stderr string
	status int
	peak   int // KB of memory
}

// startFails runs a bootstrapctl local that must not start. It leaves no file.
func startFails(t *testing.T, dir string, args ...string) failedStart {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bootstrapctl, append([]string{"local", "-addr", "127.0.0.1:0"}, args...)...)
	temp := t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &stdout, &stderr, append(os.Environ(), "TMPDIR="+temp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := 0
	watched := make(chan struct{})
	go func() { // ends with the process, which is a zombie until Wait
		defer close(watched)
		for now := peakRSS(cmd.Process.Pid); now > 0; now = peakRSS(cmd.Process.Pid) {
			peak = now
			time.Sleep(time.Millisecond)
		}
	}()
	<-watched
	_ = cmd.Wait() // the status says more
	if stdout.Len() > 0 {
		t.Errorf("got %q on stdout, want nothing", &stdout)
	}
	if files, err := os.ReadDir(temp); err != nil || len(files) > 0 {
		t.Errorf("got %v, %v in the temp folder, want nothing", files, err)
	}
	return failedStart{stderr.String(), cmd.ProcessState.ExitCode(), peak}
}

// peakRSS returns the peak memory of a process in KB, or 0 if it has exited.
func peakRSS(pid int) (kb int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone: nothing
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(text, &kb) // a zombie has none
	return kb
}
