package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"bootstrap/internal/seccomp"
)

// orphanMode is the first argument of this program where it runs a contender that must
// not adopt orphans.
const orphanMode = "without-adoption"

// runWithoutAdoption replaces this program by another one, which may not become a
// subreaper, as in AWS Lambda and gVisor. It returns only after an error.
func runWithoutAdoption(command []string) error {
	runtime.LockOSThread() // the filter is that of the thread
	const setChildSubreaper = 36
	if err := seccomp.DenyWith(syscall.SYS_PRCTL, setChildSubreaper, syscall.EPERM); err != nil {
		return fmt.Errorf("this machine has no system call filters: %w", err)
	}
	return syscall.Exec(command[0], command, os.Environ())
}

// amid returns a contender that runs in a PID namespace of its own, with a number of
// other processes, and which may adopt orphans or not.
func (t *tools) amid(c contender, others int, adopts bool) contender {
	if !adopts {
		c.command = append([]string{t.self, orphanMode}, c.command...)
		c.way += ", orphans not adopted"
	}
	const first = `n=$1; shift; while [ "$n" -gt 0 ]; do sleep 3600 & n=$((n - 1)); done; "$@"; exit`
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		c.missing = err
	}
	c.command = append([]string{unshare, "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc",
		"/bin/sh", "-c", first, "sh", strconv.Itoa(others)}, c.command...)
	c.way += fmt.Sprintf(", among %d processes", others)
	return c
}
