//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"bootstrap/internal/procfs"
	"bootstrap/protocol/emulator"

	"golang.org/x/sys/unix"
)

// A lifeline is a pipe to a watcher, which is a second process of this program. If
// this process dies without stopping its runtimes (SIGKILL, SIGQUIT, a crash), the
// watcher kills the runtimes and their descendants, removes temporary folders, and restores
// the terminal. The runtimes are still children of this process, not of the watcher.
//
// Pdeathsig cannot do that: it fires when the thread that forked exits.
type lifeline struct {
	end     *os.File // closed by the kernel when this process exits
	watcher *exec.Cmd
}

// watchFlag makes invoke the watcher. Nobody types it: the watcher removes the folders
// that its stdin names.
const watchFlag = "-bootstrapctl-lifeline"

// Commands for the watcher, each with an argument on a line.
const (
	watchMark  = "mark "   // kill the processes that have this variable
	dropMark   = "forget " // do not kill them
	removeTree = "remove " // remove this folder
	setModes   = "modes "  // give a terminal these modes
)

// holdLifeline starts a watcher. From then on, this process adopts the orphans of its
// runtimes.
func holdLifeline() (*lifeline, error) {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // on an error, orphans without the mark go on running
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot watch the runtime: %w", err)
	}
	defer read.Close()
	cmd := exec.Command("/proc/self/exe", "invoke", watchFlag)
	cmd.Stdin, cmd.Env = read, []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-\ must not reach it
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("cannot watch the runtime: %w", err)
	}
	return &lifeline{end: write, watcher: cmd}, nil
}

// watch makes the watcher kill all processes that have the mark in their environment,
// and unwatch makes it forget that mark.
func (l *lifeline) watch(mark string)   { l.tell(watchMark, mark) }
func (l *lifeline) unwatch(mark string) { l.tell(dropMark, mark) }

// remove makes the watcher remove a folder.
func (l *lifeline) remove(dir string) { l.tell(removeTree, dir) }

// restore makes the watcher give a terminal its present modes again if this process
// is killed.
func (l *lifeline) restore(terminal *os.File) {
	modes, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	path, err2 := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", terminal.Fd()))
	if err == nil && err2 == nil {
		l.tell(setModes, fmt.Sprintf("%d %s", modes.Lflag, path))
	}
}

func (l *lifeline) tell(command, argument string) {
	_, _ = l.end.WriteString(command + argument + "\n") // the watcher may have been killed
}

// release stops the watcher, because there is nothing left to watch.
func (l *lifeline) release() {
	_ = l.watcher.Process.Kill()
	_ = l.watcher.Wait() // reports only that it was killed
	l.end.Close()
}

// runWatcher runs the watcher. Its stdin is the pipe of the lifeline, which ends when the
// other process exits.
func runWatcher(stdin io.Reader) int {
	var marks, dirs, terminals []string
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		line := lines.Text()
		if mark, ok := strings.CutPrefix(line, watchMark); ok {
			marks = append(marks, mark)
		} else if mark, ok := strings.CutPrefix(line, dropMark); ok {
			marks = slices.DeleteFunc(marks, func(other string) bool { return other == mark })
		} else if dir, ok := strings.CutPrefix(line, removeTree); ok {
			dirs = append(dirs, dir)
		} else if terminal, ok := strings.CutPrefix(line, setModes); ok {
			terminals = append(terminals, terminal)
		}
	}
	for _, terminal := range terminals {
		restoreModes(terminal)
	}
	for _, mark := range marks {
		emulator.Sweep(mark)
	}
	for _, dir := range dirs {
		_ = os.RemoveAll(dir) // there is nobody to report an error to
	}
	return exitResult
}

// restoreModes gives a terminal its modes, if it still exists.
func restoreModes(modesAndPath string) {
	text, path, _ := strings.Cut(modesAndPath, " ")
	lflag, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return
	}
	terminal, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer terminal.Close()
	if modes, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS); err == nil {
		modes.Lflag = uint32(lflag)
		_ = unix.IoctlSetTermios(int(terminal.Fd()), unix.TCSETS, modes) // there is nobody to report an error to
	}
}

// clearAdopted kills the processes that this process has adopted, and the children
// that those leave, and returns their names. Every child of this process except the
// watcher counts as adopted.
func (l *lifeline) clearAdopted() (killed []string) {
	for {
		adopted := slices.DeleteFunc(procfs.Children(os.Getpid()), func(pid int) bool { return pid == l.watcher.Process.Pid })
		if len(adopted) == 0 {
			return killed
		}
		for _, pid := range adopted {
			if procfs.ReadStat(pid).Living() {
				killed = append(killed, fmt.Sprintf("%s (%d)", procfs.Name(pid), pid))
			}
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it has already exited
			_, _ = syscall.Wait4(pid, nil, 0, nil) // its own children are ours now
		}
	}
}
