package integration

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// On a terminal, r gives the functions new instances, l sends the last event
// again, and q stops as a platform does. Other keys do nothing.
func TestLocalKeys(t *testing.T) {
	t.Parallel()
	dir := withSidecar(t, `echo "got $1" >&2; echo ok`)
	a, url := attendLocal(t, nil, "-memory", "256", dir)
	a.press(t, "l")
	a.waitFor(t, "there was no event yet")
	sendTo(t, url, `"first"`)
	a.press(t, "xl")
	until(t, "the event has come again", func() bool { return strings.Count(a.said.String(), `got "first"`) == 2 })
	a.waitFor(t, "key l")
	a.press(t, "r")
	a.waitFor(t, "restarted")
	a.waitFor(t, "the sidecar stops")
	a.press(t, "l")
	until(t, "a new instance has started", func() bool { return strings.Count(a.said.String(), "cold start") == 2 })
	a.press(t, "q")
	if status := a.end(t); status != 0 || strings.Count(a.said.String(), "the stop command runs") != 2 || !strings.Contains(a.said.String(), "p95") {
		t.Errorf("got status %d and\n%s", status, a.said)
	}
}

// In the background, local leaves the terminal alone: the kernel would stop it.
func TestLocalInBackground(t *testing.T) {
	t.Parallel()
	job := []string{"-c", `set -m; "$@" & wait $!`, "bash", bootstrapctl, "local", "-addr", "127.0.0.1:0", shellFunction(t, "echo ok")}
	a := attendCommand(t, nil, exec.Command("bash", job...))
	a.waitFor(t, "Tencent's SDKs") // the end of what it says before it would use the keys
	url := regexp.MustCompile(`http://[\d.:]+`).FindString(a.said.String())
	sendTo(t, url, "1")
	for _, pid := range procfs.Children(a.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	if status := a.end(t); status != 0 {
		t.Errorf("got status %d and\n%s", status, a.said)
	}
}

// However local exits, the terminal gets its modes back, if a program can do
// that at all.
func TestLocalTerminalIsRestored(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, a *attended){
		"q":       func(t *testing.T, a *attended) { a.press(t, "q") },
		"Ctrl-C":  func(t *testing.T, a *attended) { a.press(t, ctrlC) },
		`Ctrl-\`:  func(t *testing.T, a *attended) { a.press(t, ctrlBackslash) },
		"SIGTERM": func(t *testing.T, a *attended) { _ = a.cmd.Process.Signal(syscall.SIGTERM) },
		"SIGHUP":  func(t *testing.T, a *attended) { _ = a.cmd.Process.Signal(syscall.SIGHUP) },
		"SIGKILL": func(t *testing.T, a *attended) { _ = a.cmd.Process.Kill() },
		"crash":   func(t *testing.T, a *attended) { _ = a.cmd.Process.Signal(syscall.SIGSEGV) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, url := attendLocal(t, nil, shellFunction(t, "echo ok"))
			screen := screenOf(t, a)
			sendTo(t, url, "1")
			if mode := modeOf(t, screen); mode&unix.ECHO != 0 || mode&unix.ISIG == 0 {
				t.Errorf("got the mode %x, want no echo, and signals", mode)
			}
			end(t, a)
			_ = a.cmd.Wait() // the status does not matter
			until(t, "the terminal is restored", func() bool {
				mode := modeOf(t, screen)
				return mode&unix.ECHO != 0 && mode&unix.ICANON != 0
			})
		})
	}
}

// screenOf keeps the terminal of a program open.
func screenOf(t *testing.T, a *attended) *os.File {
	t.Helper()
	screen, err := os.OpenFile(ptsOf(t, a.keys), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	return screen
}

func modeOf(t *testing.T, screen *os.File) uint32 {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag
}
