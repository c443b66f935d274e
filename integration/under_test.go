package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	signals "os/signal"
	"runtime"
	"syscall"

	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

// helpers are what this test program does instead of its tests, by its first
// argument: it becomes a command under a profile, or plays a part in one. Each
// returns only if it fails.
var helpers = map[string]func(args []string) error{
	underFlag:     under,
	initFlag:      beInit,
	insideFlag:    inside,
	filteredFlag:  filtered,
	callsFlag:     makeCalls,
	withoutFlag:   without,
	onlyFlag:      only,
	neighbourFlag: leaveNeighbour,
}

const (
	underFlag     = "-under"     // PROFILE COMMAND ARGUMENT…: as in that sandbox
	initFlag      = "-init"      // the same, by its process 1
	insideFlag    = "-inside"    // the same, where the file systems are right
	filteredFlag  = "-filtered"  // the same, with its system calls and no more
	callsFlag     = "-calls"     // CALL…: tells what the kernel says to each
	neighbourFlag = "-neighbour" // USER: starts a neighbour
)

// help runs a helper, and exits, if the first argument names one.
func help() {
	if len(os.Args) < 2 || helpers[os.Args[1]] == nil {
		return
	}
	err := helpers[os.Args[1]](os.Args[2:])
	fmt.Fprintf(os.Stderr, "cannot run %q: %v\n", os.Args[1:], err)
	os.Exit(1)
}

// under becomes a command in the sandbox of a profile, with a neighbour.
// Without root only the system calls and the limits of the profile apply.
func under(args []string) error {
	p, err := profileOf(args)
	if err == nil {
		err = brandUs()
	}
	if err != nil {
		return err
	}
	if p.around.deafInit && mayMount() {
		return runInit(args)
	}
	runtime.LockOSThread()
	if !p.around.plain() && mayMount() {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("cannot have a mount namespace: %w", err)
		}
		if err := p.around.mount(); err != nil {
			return err
		}
	}
	if err := startNeighbour(p.around); err != nil {
		return err
	}
	return inside(args)
}

var errNoCommand = errors.New("there is no command")

func profileOf(args []string) (profile, error) {
	if len(args) < 2 {
		return profile{}, errNoCommand
	}
	p, ok := profiles[args[0]]
	if !ok {
		return profile{}, fmt.Errorf("there is no profile %q", args[0])
	}
	return p, nil
}

// inside becomes the command, with the user, the limits and the filter of a
// profile.
func inside(args []string) error {
	runtime.LockOSThread()
	p, err := profileOf(args)
	if err == nil {
		err = p.around.enter()
	}
	if err != nil {
		return err
	}
	return filtered(args)
}

// filtered becomes the command, with the filter of a profile.
func filtered(args []string) error {
	runtime.LockOSThread()
	p, err := profileOf(args)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(args[1])
	if err == nil {
		err = seccomp.Load(p.denials)
	}
	if err == nil {
		err = syscall.Exec(path, args[1:], os.Environ())
	}
	return err
}

// runInit starts process 1 of a new PID namespace, which runs the command, and
// exits with the same status.
func runInit(args []string) error {
	runtime.LockOSThread() // its death is that of process 1
	cmd := itself(append([]string{initFlag}, args...))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	return runToItsEnd(cmd)
}

// beInit runs as process 1. It forwards SIGTERM to the command, and waits only for
// the command.
func beInit(args []string) error {
	p, err := profileOf(args)
	if err == nil {
		err = p.around.mount()
	}
	if err == nil {
		err = startNeighbour(p.around)
	}
	if err != nil {
		return err
	}
	return runToItsEnd(itself(append([]string{insideFlag}, args...)))
}

// itself returns this test program as a command with our own input and outputs.
func itself(args []string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

// runToItsEnd runs a command, forwards SIGTERM to it, and exits with its status.
func runToItsEnd(cmd *exec.Cmd) error {
	terms := make(chan os.Signal, 10)
	signals.Notify(terms, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with us
		for range terms {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it is gone: fine
		}
	}()
	_ = cmd.Wait() // its state has the result
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(status.ExitStatus())
	return nil
}
