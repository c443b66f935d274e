package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// adopt makes this program the parent of processes that a runtime leaves behind, so
// that it can kill them.
func adopt() error {
	const setChildSubreaper = 36
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		return fmt.Errorf("cannot adopt processes: %w", errno)
	}
	return nil
}

// spawn starts a program. Its stdout and stderr go to the log.
func spawn(command, env []string, dir string, log *os.File) (pid int, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	return syscall.ForkExec(command[0], command, &syscall.ProcAttr{
		Dir: dir, Env: env, Files: []uintptr{null.Fd(), log.Fd(), log.Fd()},
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
}

// exited reports whether a child has exited, without reaping it. endAll does that.
func exited(pid int) bool {
	return status(pid, "State") == "" || strings.HasPrefix(status(pid, "State"), "Z")
}

// endAll kills all children, and those they leave, until there are none.
func endAll() {
	for {
		for pid := range children() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
		switch pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); {
		case err == syscall.ECHILD:
			return
		case pid == 0:
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// children returns the children of all threads.
func children() map[int]bool {
	found := map[int]bool{}
	files, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is good
	for _, file := range files {
		list, _ := os.ReadFile(file) // a thread may have ended
		for _, word := range strings.Fields(string(list)) {
			if pid, err := strconv.Atoi(word); err == nil {
				found[pid] = true
			}
		}
	}
	return found
}

// status returns a field of /proc/PID/status, empty if there is no such process.
func status(pid int, field string) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, ":"); name == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// memory returns a size from /proc/PID/status, in MB of 2^20 bytes: VmRSS, the resident
// memory, or VmHWM, its peak.
func memory(pid int, field string) (float64, error) {
	kb, err := strconv.Atoi(strings.TrimSuffix(status(pid, field), " kB"))
	if err != nil {
		return 0, fmt.Errorf("cannot tell %s: %w", field, err)
	}
	return float64(kb) / 1024, nil
}
