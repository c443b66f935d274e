package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/procfs"
	"bootstrap/supervisor/logs"
)

// R01: orphans are reaped when they exit.
func TestOrphansAreReaped(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	c := shell(fmt.Sprintf("i=0; while [ $i -lt %d ]; do (: & : & : & : & : &); i=$((i+1)); done; echo; exec sleep 60", effort.Repeats(200)))
	var out logs.Tail
	c.Outputs = []io.Writer{&out}
	p := start(t, c)
	pumpUntil(t, p, func() bool { return out.Total > 0 })
	within(t, "no child is left but the process", func() bool {
		pids := procfs.OurChildren()
		return len(pids) == 1 && pids[0] == p.pid
	})
	p.Stop(0)
}

// R01: without the reaper killLeftovers reaps dead orphans.
func TestDeadOrphans(t *testing.T) {
	checkLeaks(t)
	runToEnd(t, t.Context(), shell("for i in 1 2 3 4 5 6 7 8 9 10; do (: &); done"), 0).check(t, 0)
	if left := processes.killLeftovers(Anybody, bound); len(left) > 0 {
		t.Errorf("got %v left, want none", left)
	}
	if pids := procfs.OurChildren(); len(pids) > 0 {
		t.Errorf("got children %v, want none", pids)
	}
}

// R02: hundreds of orphans that exit do not disturb the statuses of Processes.
func TestStatusesAmongOrphans(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	const together = 4
	runs := effort.Repeats(50)
	wrong := make(chan string, runs*together)
	done := make(chan bool)
	for n := range together {
		go func() { // ends with its runs
			for i := range runs {
				want := (i*together + n) % 256
				c := shell("((exit 77) &); ((exit 78) &); exit " + strconv.Itoa(want))
				if exit, err := Run(t.Context(), c, 0); err != nil || exit.Cause != nil || exit.Status.ExitStatus() != want {
					wrong <- strconv.Itoa(want)
				}
			}
			done <- true
		}()
	}
	for range together {
		<-done
	}
	if len(wrong) > 0 {
		t.Errorf("got %d wrong statuses of %d, the first in place of %s", len(wrong), runs*together, <-wrong)
	}
}

// R02: an exited Process that nobody has stopped yet does not keep orphans from
// being reaped.
func TestReaperBehindProcess(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	first := start(t, shell("exit 5"))
	within(t, "it has exited", first.Exited)
	runToEnd(t, t.Context(), shell("(: &)"), 0).check(t, 0)
	if got := first.Stop(0); got.ExitStatus() != 5 {
		t.Errorf("got status %#x, want exit status 5", got)
	}
	within(t, "no child is left", func() bool { return len(procfs.OurChildren()) == 0 })
}

// T02: a process that escapes from its group does not escape from
// killLeftovers.
func TestKillLeftovers(t *testing.T) {
	bomb := fmt.Sprint(effort.Repeats(200))
	for name, script := range map[string]string{
		"a session of its own":     "escape 'sleep 60 >&2 &'",
		"a group of its own":       "set -m; sleep 60 & sleep 60 &",
		"three deep":               "escape '((setsid sh -c \"(sleep 60 >&2 &)\" &) &)'",
		"with children":            "escape 'sh -c \"sleep 60 & sleep 60 & sleep 60\" >&2 &'",
		"with grandchildren":       "escape 'sh -c \"(sleep 60; :) & (sleep 60; :) & wait\" >&2 &'",
		"in many sessions":         "escape 'setsid sleep 60 >&2 & setsid sleep 60 >&2 &'",
		"ignoring signals":         "trap '' TERM HUP INT QUIT; escape 'sleep 60 >&2 &'",
		"stopped":                  "escape 'sh -c \"kill -STOP \\$\\$\" >&2 &'",
		"a bomb":                   "escape 'for i in $(seq " + bomb + "); do sleep 60 >&2 & done'",
		"a bomb as it goes up":     "escape 'sh -c \"for i in $(seq -s\\  " + bomb + "); do sleep 60 & done; wait\" >&2 &'",
		"one that goes on forking": "escape 'sh -c \"while :; do sleep 0.01 & sleep 0.01; done\" >&2 &'",
		"one that hands itself on": "escape 'f() { (sleep 0.001; f) & exit; }; (f) >&2 &'",
		"nobody":                   ":",
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			runToEnd(t, t.Context(), shell(escape+script), 0).check(t, 0)
			if left := processes.killLeftovers(Anybody, bound); len(left) > 0 {
				t.Errorf("got %v left, want none", left)
			}
			if pids := procfs.OurChildren(); len(pids) > 0 {
				t.Errorf("got children %v, want none", pids)
			}
		})
	}
}

// An orphan may exit at any moment and leave another: here many do during
// killLeftovers.
func TestKillLeftoversThatExit(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	endless, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer endless.Close()
	defer w.Close()
	for range effort.Repeats(30) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := shell(escape + "exec 5<&0; escape 'for i in $(seq 20); do (read -r _ <&3 >&2 & read -r _ <&5) >&2 & done'")
		c.Stdin, c.Files = r, []*os.File{endless}
		runToEnd(t, t.Context(), c, 0).check(t, 0)
		_ = r.Close()
		_ = w.Close() // now they exit
		processes.killLeftovers(Anybody, bound)
		if pids := procfs.OurChildren(); len(pids) > 0 {
			t.Fatalf("got children %v, want none", pids)
		}
	}
}

// killLeftovers leaves Processes alone, dead or alive.
func TestKillLeftoversSparesProcesses(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	live := start(t, shell("exec sleep 60"))
	dead := start(t, shell("exit 5"))
	within(t, "one has exited", dead.Exited)
	runToEnd(t, t.Context(), shell(escape+"escape 'sleep 60 >&2 &'"), 0).check(t, 0)
	if left := processes.killLeftovers(Anybody, bound); len(left) > 0 {
		t.Errorf("got %v left, want none", left)
	}
	if pids := procfs.OurChildren(); len(pids) != 2 {
		t.Errorf("got children %v, want our own two", pids)
	}
	if got := dead.Stop(0); got.ExitStatus() != 5 {
		t.Errorf("got status %#x, want exit status 5", got)
	}
	if live.Exited() {
		t.Error("got the other exited, want it running")
	}
}

// killLeftovers gives up at its limit and returns the remaining processes. With a
// limit of 0 any process counts as one that cannot be killed.
func TestKillLeftoversLimit(t *testing.T) {
	checkLeaks(t)
	runToEnd(t, t.Context(), shell(escape+"escape 'sleep 60 >&2 &'"), 0).check(t, 0)
	mustNotWait(t, func() {
		if left := processes.killLeftovers(Anybody, -time.Second); len(left) != 1 {
			t.Errorf("got %v left, want one", left)
		}
	})
	processes.killLeftovers(Anybody, bound)
}

// leftovers lists the living and reaps the dead.
func TestLeftovers(t *testing.T) {
	checkLeaks(t)
	own := start(t, shell("exec sleep 60"))
	if len(processes.leftovers(Anybody)) > 0 {
		t.Error("got something left behind, want nothing")
	}
	runToEnd(t, t.Context(), shell(escape+"(: &); escape 'sleep 60 >&2 &'; (: &)"), 0).check(t, 0)
	within(t, "the dead are reaped", func() bool {
		got := processes.leftovers(Anybody)
		return len(got) == 1 && len(descendants()) == 2 && got[0] != own.pid
	})
	if own.Exited() {
		t.Error("got our own exited, want it running")
	}
	if len(processes.leftovers(Anybody)) == 0 {
		t.Error("got nothing left behind, want something")
	}
	processes.killLeftovers(Anybody, bound)
}

// A Process that reap cannot get counts as killed, and is not registered any
// more.
func TestReapOfNothing(t *testing.T) {
	checkLeaks(t)
	p := start(t, shell("exec sleep 60"))
	if got, _ := processes.reap(p.pid); got != killed {
		t.Errorf("got status %#x, want %#x", got, killed)
	}
	if processes.isProcess(p.pid) {
		t.Error("the process is still registered")
	}
	p.closePipes()
	if left := processes.killLeftovers(Anybody, bound); len(left) > 0 {
		t.Errorf("got %v left, want none", left)
	}
}

// All of that works as PID 1 of a container.
func TestAsInit(t *testing.T) {
	const variable = "TEST_AS_INIT"
	if os.Getenv(variable) != "" || os.Getenv(sandboxVariable) != "" {
		t.Skip("this is it")
	}
	tests := "^(TestOrphansAreReaped|TestStatusesAmongOrphans|TestDeadOrphans|TestChildrenOfNewThreads)$"
	cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", os.Args[0], "-test.run", tests, fmt.Sprintf("-test.short=%v", testing.Short()))
	cmd.Env = append(os.Environ(), variable+"=1", "GORACE=atexit_sleep_ms=0") // the race detector sleeps at exit
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Sys().(syscall.WaitStatus).ExitStatus() == 1 && len(out) < 200 {
		t.Skipf("cannot make a PID 1 here: %s", out)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// killAll kills all Processes and what they leave behind, also in sessions of
// their own. The waiters of Processes still get a status.
func TestKillAll(t *testing.T) {
	checkLeaks(t)
	for range effort.Repeats(20) {
		c := shell(escape + `trap '' TERM; for i in 1 2 3; do setsid sh -c 'setsid sleep 60 & echo; sleep 60' & done; while :; do sleep 60; done`)
		var out logs.Tail
		c.Outputs = []io.Writer{&out}
		ps := []*Process{start(t, c), start(t, c)}
		for _, p := range ps {
			out.Total = 0
			pumpUntil(t, p, func() bool { return out.Total >= 3 })
		}
		processes.mu.Lock()
		processes.killAll(bound)
		pids := procfs.OurChildren()
		processes.mu.Unlock()
		if len(pids) != len(ps) {
			t.Errorf("got the children %v, want only the dead %d of ours", pids, len(ps))
		}
		for _, p := range ps {
			if status := p.Stop(0); status.Signal() != syscall.SIGKILL {
				t.Errorf("got %v, want SIGKILL", ExitReason(status))
			}
		}
	}
}
