package probe

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
	"bootstrap/supervisor/process"

	"golang.org/x/sys/unix"
)

// processes adds whether the runtime can find and kill what an event leaves
// behind, first as tested and then as the runtime sees it.
func (r *report) processes() {
	orphan, err := makeOrphan() // before Explore changes who adopts it
	found := process.Explore()
	r.add("adopts orphans", "%s", adopting(found.Adoption))
	r.add("marks processes", "%s", yesBy(found.Mark != "", found.Mark))
	r.add("lists processes", "%s", listing(found.HasProc))
	r.add("finds leftovers", "%s", yesBy(process.FindsLeftovers(), ""))
	if missing, instead := found.Missing(); missing != "" {
		r.add("workaround", "%s", instead)
	}
	if err == nil {
		r.add("others' orphans go to", "%s", processName(orphan.parent))
		r.add("process 1 reaps zombies", "%s", orphan.reaping())
	} else {
		r.add("process 1 reaps zombies", "not tested %s", strings.TrimPrefix(yesOrNo(err), "no "))
	}
	r.add("this process", "%d, child of %s", os.Getpid(), processName(os.Getppid()))
	r.add("processes here", "%s", otherProcesses())
	r.children()
}

// adopting reports whether we adopt orphans, as we should if refused is nil.
func adopting(refused error) string {
	if refused != nil {
		return yesOrNo(refused)
	}
	o, err := makeOrphan()
	switch {
	case err != nil:
		return "yes, not tested " + strings.TrimPrefix(yesOrNo(err), "no ")
	case o.parent != os.Getpid():
		return "no (they go to " + processName(o.parent) + ")"
	}
	o.waitReaped()
	return "yes"
}

// reaping describes what happens to the zombies of orphans.
func (o orphan) reaping() string {
	if o.parent != 1 {
		return "not tested: orphans go elsewhere"
	}
	took := o.waitReaped()
	switch {
	case o.parent == os.Getpid():
		return "this is process 1"
	case took == 0:
		return fmt.Sprintf("no: one was still there after %v; zombies count against the process limit", waitLimit)
	}
	return "yes, within " + took.Round(time.Millisecond).String()
}

func processName(pid int) string {
	if name := procfs.Name(pid); name != "" {
		return fmt.Sprintf("process %d (%s)", pid, name)
	}
	return fmt.Sprintf("process %d", pid)
}

func yesBy(is bool, how string) string {
	switch {
	case !is:
		return "no"
	case how != "":
		return "yes, by " + how
	}
	return "yes"
}

func orElse(err error, value string) string {
	if err != nil {
		return "unknown " + strings.TrimPrefix(yesOrNo(err), "no ")
	}
	return value
}

// listing describes how children are found.
func listing(lists bool) string {
	if !lists {
		return "no"
	}
	way := "/proc/*/stat"
	thread := strconv.Itoa(unix.Gettid())
	if _, err := os.Stat("/proc/self/task/" + thread + "/children"); err == nil {
		way = "the children files of /proc"
	}
	return "yes, by " + way
}

// otherProcesses describes the processes in this sandbox, without kernel threads,
// which hold no memory.
func otherProcesses() string {
	pids, _ := procfs.Pids()
	var names []string
	running, zombies := 0, 0
	for _, pid := range pids {
		switch name := procfs.Name(pid); {
		case procfs.ReadStat(pid).State == 'Z':
			zombies++
		case procfs.Resident(pid) > 0:
			running++
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	const some = 12
	if len(names) > some {
		names = append(names[:some], "…")
	}
	return fmt.Sprintf("%d running, %d zombies: %s", running, zombies, none(strings.Join(names, " ")))
}

// children tries what the runtime does with a child.
func (r *report) children() {
	c, noGroup := start(roleWaiter, &syscall.SysProcAttr{Setpgid: true})
	if noGroup != nil {
		var err error
		if c, err = start(roleWaiter, nil); err != nil {
			r.try("starts itself", err)
			return
		}
	}
	r.try("gives children a group", noGroup)
	r.try("signals groups", syscall.Kill(-c.pid, 0))
	r.add("sees environments", "%s", yesBy(showsEnvironment(c.pid), ""))
	r.add("sees memory in use", "%s", memory(c.pid))
	r.try("sets oom_score_adj", setScore(c.pid))
	fd, err := unix.PidfdOpen(c.pid, 0)
	r.try("opens pidfds", err)
	if err == nil {
		_ = unix.Close(fd)
	}
	_, _, _ = c.closeAndRead() // it exits
	r.try("waits without reaping", seesExit(c.pid))
	c.end()
}

// showsEnvironment waits while a process loads its program.
func showsEnvironment(pid int) bool {
	for deadline := time.Now().Add(time.Second); procfs.Loading(pid) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	return len(procfs.Environ(pid)) > 0
}

func memory(pid int) string {
	switch {
	case procfs.Resident(pid) == 0:
		return "no"
	case procfs.Peak(pid) == 0:
		return "yes, but not its peak"
	}
	return "yes"
}

// setScore asks the kernel to kill a process first when memory runs out.
func setScore(pid int) error {
	path := "/proc/" + strconv.Itoa(pid) + "/oom_score_adj"
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("1000")
	return errors.Join(err, file.Close())
}

// seesExit tests whether an exit can be seen without reaping the child.
func seesExit(pid int) error {
	for began := time.Now(); time.Since(began) < waitLimit; time.Sleep(time.Millisecond) {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != nil || info.Signo != 0 {
			return err
		}
	}
	return errors.New("the exit is not visible")
}
