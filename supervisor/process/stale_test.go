package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/procfs"
	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

func init() { helpers["run a sidecar"] = runASidecar }

// runASidecar acts as a bootstrap whose command has a session of its own. It
// prints the pid and waits to be killed.
func runASidecar() {
	c := shell("exec setsid -f sleep 600")
	c.Outputs, c.Keep = nil, true
	_, err := Run(context.Background(), c, 0)
	if err == nil {
		_, err = fmt.Println("started")
	}
	if err != nil {
		panic(err)
	}
	_ = syscall.Pause()
}

// otherBootstrap starts runASidecar, and returns it and its sidecar.
func otherBootstrap(t *testing.T) (cmd *exec.Cmd, sidecar int) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"=run a sidecar")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	within(t, "its sidecar runs", func() bool { sidecar = sleepWithMark(cmd.Process.Pid); return sidecar != 0 })
	return cmd, sidecar
}

// sleepWithMark returns the pid of the sleep with the mark of a bootstrap, or
// 0.
func sleepWithMark(bootstrap int) int {
	run := runNumber(procfs.ReadStat(bootstrap))
	pids, _ := procfs.Pids()
	i := slices.IndexFunc(pids, func(pid int) bool {
		m, ok := limitMarkers[0].read(pid)
		return ok && m.run == run && procfs.Name(pid) == "sleep"
	})
	if i < 0 {
		return 0
	}
	return pids[i]
}

// The leftovers of a killed bootstrap are killed by the next one. Those of a
// living one are not.
func TestStale(t *testing.T) {
	checkLeaks(t)
	dead, left := otherBootstrap(t)
	_, needed := otherBootstrap(t)
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait() // it was killed
	if got := processes.killStale(); !slices.Contains(got, left) || slices.Contains(got, needed) {
		t.Errorf("killed %v, want %d among them and not %d", got, left, needed)
	}
	if procfs.ReadStat(left).Living() {
		t.Error("what the dead bootstrap left still lives")
	}
	if !procfs.ReadStat(needed).Living() {
		t.Error("the process of a living bootstrap was killed")
	}
	_ = syscall.Kill(needed, syscall.SIGKILL)
}

// deadRun is the number of a run that does not exist.
var deadRun = runNumber(procfs.Stat{PID: 1 << 23, Start: 1})

// startMarked starts a process with the mark of a run, and returns its pid.
func startMarked(t *testing.T, run uint32) int {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	setMark(t, cmd.Process.Pid, run)
	return cmd.Process.Pid
}

func setMark(t *testing.T, pid int, run uint32) {
	t.Helper()
	limit := unix.Rlimit{Cur: mark{run: run}.number(), Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(pid, limitMarkers[0].resource, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// A startingMarker acts as if a process were a bootstrap that gets its own mark
// just before that is read.
type startingMarker struct {
	limitMarker
	t   *testing.T
	pid int
}

func (m startingMarker) read(pid int) (mark, bool) {
	if pid == m.pid {
		setMark(m.t, pid, runNumber(procfs.ReadStat(pid)))
	}
	return m.limitMarker.read(pid)
}

// A bootstrap that starts while another one looks for stale processes is left
// alone.
func TestStaleWhileAnotherStarts(t *testing.T) {
	checkLeaks(t)
	left := startMarked(t, deadRun)
	starting := startMarked(t, 0)
	unmarked := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(starting, limitMarkers[0].resource, &unmarked, nil); err != nil {
		t.Fatal(err)
	}
	before := processes.sandbox.marker
	processes.sandbox.marker = startingMarker{limitMarkers[0], t, starting}
	defer func() { processes.sandbox.marker = before }()
	if got := processes.killStale(); !slices.Contains(got, left) || slices.Contains(got, starting) {
		t.Errorf("killed %v, want %d among them and not %d", got, left, starting)
	}
}

// A bootstrap without /proc cannot be found by its marks: its processes are
// left alone.
func TestStaleOfAnUnknownRun(t *testing.T) {
	checkLeaks(t)
	gone, unknown := startMarked(t, deadRun), startMarked(t, runNumber(procfs.Stat{}))
	if got := processes.killStale(); !slices.Contains(got, gone) || slices.Contains(got, unknown) {
		t.Errorf("killed %v, want %d among them and not %d", got, gone, unknown)
	}
}

func TestMarkNumbers(t *testing.T) {
	for _, m := range []mark{{}, {run: 1, owner: 2, start: 3}, {run: 0xffffff, owner: 0xfff, start: 0xfff}} {
		if got, ok := parseMark(m.number()); !ok || got != m {
			t.Errorf("%+v: got %+v, %v", m, got, ok)
		}
		if m.number() >= 1<<63 {
			t.Errorf("%+v: %x is more than a limit takes", m, m.number())
		}
	}
	for _, number := range []uint64{0, 1 << 20, unix.RLIM_INFINITY} {
		if m, ok := parseMark(number); ok {
			t.Errorf("%x is the mark %+v, want none", number, m)
		}
	}
}

// A bootstrap inside another one replaces the mark that it has inherited.
func TestMarkOfInner(t *testing.T) {
	outer, inner := mark{run: 7}, mark{run: 8, owner: 1, start: 2}
	env := environMarker{}.environ(environMarker{}.environ([]string{"A=1"}, outer), inner)
	if got, ok := markIn([]byte(strings.Join(env, "\x00"))); !ok || got != inner || len(env) != 2 {
		t.Errorf("got %+v, %v in %q, want %+v", got, ok, env, inner)
	}
}

func TestMarkIn(t *testing.T) {
	want := mark{run: 7, owner: 1, start: 2}
	variable := environMarker{}.environ(nil, want)[0]
	for name, row := range map[string]struct {
		environ string
		found   bool
	}{
		"first":        {variable + "\x00A=1\x00", true},
		"last":         {"A=1\x00" + variable + "\x00", true},
		"alone":        {variable, true},
		"none":         {"A=1\x00B=2\x00", false},
		"empty":        {"", false},
		"other name":   {"X" + variable + "\x00", false},
		"not a number": {markVariable + "=x\x00", false},
	} {
		if got, ok := markIn([]byte(row.environ)); ok != row.found || ok && got != want {
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
}

// To find the living runs, a bootstrap looks at processes with a mark only, and
// at those that may hide theirs.
func TestMayRun(t *testing.T) {
	checkLeaks(t)
	other, _ := otherBootstrap(t)
	plain := exec.Command("sleep", "600")
	if err := plain.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Process.Kill(); _ = plain.Wait() })
	l := limitMarkers[0]
	unmarked := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(plain.Process.Pid, l.resource, &unmarked, nil); err != nil {
		t.Fatal(err)
	}
	if !l.mayRun(other.Process.Pid) || l.mayRun(plain.Process.Pid) {
		t.Errorf("got %v for a bootstrap, %v without a mark", l.mayRun(other.Process.Pid), l.mayRun(plain.Process.Pid))
	}
	_ = other.Process.Kill() // its sleep is killed as a leftover
	_ = other.Wait()
	processes.killStale()
}

// A process that hides its limits, as one of another user does, may be a bootstrap.
func TestMayRunHidden(t *testing.T) {
	seccomp.Denying(t, unix.SYS_PRLIMIT64, syscall.EPERM, func() {
		if !limitMarkers[0].mayRun(os.Getppid()) {
			t.Error("got false, want true")
		}
	})
}
