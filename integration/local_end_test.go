package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
)

// A signal to the process, or to its group as from a terminal, stops the
// functions as a platform does: the running event is still answered, the
// sidecars and the stop command run, and the summary is printed.
func TestLocalStop(t *testing.T) {
	for name, send := range map[string]func(pid int) error{
		"SIGINT":           func(pid int) error { return syscall.Kill(pid, syscall.SIGINT) },
		"SIGINT to all":    func(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) },
		"SIGTERM":          func(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) },
		"SIGHUP":           func(pid int) error { return syscall.Kill(pid, syscall.SIGHUP) },
		"SIGHUP to all":    func(pid int) error { return syscall.Kill(-pid, syscall.SIGHUP) },
		"both":             func(pid int) error { _ = syscall.Kill(pid, syscall.SIGINT); return syscall.Kill(-pid, syscall.SIGINT) },
		"SIGINT on Lambda": func(pid int) error { return syscall.Kill(pid, syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := protocol.SCF
			if strings.Contains(name, "Lambda") {
				p = protocol.Lambda
			}
			dir := withSidecar(t, `echo begun >&2; while ! [ -e go ]; do sleep 0.01; done; echo answered`)
			s := serve(t, "-platform", p.Name, "-timeout", "60s", "-memory", "256", dir)
			answered := make(chan struct{})
			go func() { // ends with the event
				defer close(answered)
				s.answers(t, "", "1", 200, "answered")
			}()
			s.logs(t, "| begun")
			if err := send(s.cmd.Process.Pid); err != nil {
				t.Error(err)
			}
			s.logs(t, "Ctrl-C again kills")
			write(t, dir, "go", "", 0o644)
			<-answered
			if status := s.wait(t); status != 0 {
				t.Errorf("got status %d", status)
			}
			for _, text := range []string{"the sidecar stops", "the stop command runs", "✓", "function "} {
				if !strings.Contains(s.log.String(), text) {
					t.Errorf("got no %q in\n%s", text, s.log)
				}
			}
		})
	}
}

// A second signal kills.
func TestLocalStopTwice(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, `trap '' TERM; echo begun >&2; while :; do sleep 0.05; done`)
	s := serve(t, "-timeout", "60s", "-env", "BOOTSTRAP_GRACE=5s", "-env", "BOOTSTRAP_STOP_TIMEOUT=60s", "-env", "BOOTSTRAP_STOP_COMMAND=echo never >&2", dir)
	go s.post(t, "", "1") // ends with the event
	s.logs(t, "| begun")
	signal(t, s.cmd.Process.Pid, syscall.SIGINT)
	s.logs(t, "Ctrl-C again kills")
	until(t, "it kills", func() bool { // a signal soon after the first may be the same
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		return strings.Contains(s.log.String(), "killing")
	})
	if status := s.wait(t); status != 0 || strings.Contains(s.log.String(), "never") {
		t.Errorf("got status %d and\n%s", status, s.log)
	}
}

// However local exits, it leaves nothing behind: no process, not even one that
// nobody could find by its environment, group or session, no temporary file and
// no cgroup.
func TestLocalNothingStaysBehind(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{
		"SIGKILL": syscall.SIGKILL, "SIGQUIT": syscall.SIGQUIT, "crash": syscall.SIGSEGV, "Ctrl-C": syscall.SIGINT,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const body = `case $1 in 1) env -i setsid sh -c 'echo $$ >NOTES/hidden; while :; do sleep 0.05; done' & setsid sh -c 'echo $$ >NOTES/shown; while :; do sleep 0.05; done' & ;; esac; echo ok`
			notes := t.TempDir()
			dir := shellFunction(t, strings.ReplaceAll(body, "NOTES", notes))
			write(t, dir, "bootstrap.env", "BOOTSTRAP_LEFTOVERS=keep\n", 0o644)
			s := serve(t, dir, zipOf(t, dir))
			folder := "?function=f" + filepath.Base(dir)
			s.answers(t, folder, "0", 200, "ok")
			s.answers(t, "?function=packed", "0", 200, "ok")
			s.answers(t, folder, "1", 200, "ok")
			var pids []int
			until(t, "the function's processes run", func() bool { pids = numbers(notes, "hidden", "shown"); return len(pids) == 2 })
			pids = append(pids, procfs.Descendants(s.cmd.Process.Pid)...)
			groups := cgroupsOf(pids)
			signal(t, s.cmd.Process.Pid, sig)
			s.wait(t)
			for _, pid := range pids {
				until(t, strconv.Itoa(pid)+" is gone", func() bool { return gone(pid) })
			}
			for _, group := range groups {
				until(t, group+" is gone", func() bool { _, err := os.Stat(group); return err != nil })
			}
		})
	}
}

// cgroupsOf returns the folders of the cgroups that limit the memory of processes, but
// not our own.
func cgroupsOf(pids []int) (dirs []string) {
	own, _ := os.ReadFile("/proc/self/cgroup")
	for _, pid := range pids {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup") // it may be gone
		for line := range strings.Lines(string(text)) {
			if strings.HasSuffix(line, ":/\n") {
				continue // of a process that exits
			}
			if _, path, ok := strings.Cut(strings.TrimSpace(line), ":memory:"); ok && !strings.Contains(string(own), line) {
				dirs = append(dirs, "/sys/fs/cgroup/memory"+path)
			} else if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && !strings.Contains(string(own), line) {
				dirs = append(dirs, "/sys/fs/cgroup"+path)
			}
		}
	}
	return dirs
}
