package procfs

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/leaktest"
)

func TestParseStat(t *testing.T) {
	const rest = "17 42 7 0 -1 4194560 1 0 0 0 12 3 0 0 20 0 1 0 12345 2 3"
	for name, row := range map[string]struct {
		text string
		want Stat
	}{
		"usual":              {"42 (sh) S " + rest, Stat{State: 'S', Parent: 17, Group: 42, Session: 7, Start: 12345, CPU: 150 * time.Millisecond}},
		"spaces in name":     {"42 (tmux: server) R " + rest, Stat{State: 'R', Parent: 17, Group: 42, Session: 7, Start: 12345, CPU: 150 * time.Millisecond}},
		"brackets in name":   {"42 (a) R 99 (b)) Z " + rest, Stat{State: 'Z', Parent: 17, Group: 42, Session: 7, Start: 12345, CPU: 150 * time.Millisecond}},
		"newline in name":    {"42 (a\nb) S " + rest, Stat{State: 'S', Parent: 17, Group: 42, Session: 7, Start: 12345, CPU: 150 * time.Millisecond}},
		"nothing":            {"", Stat{Parent: -1, Group: -1, Session: -1}},
		"cut after the name": {"42 (sh)", Stat{Parent: -1, Group: -1, Session: -1}},
		"cut after state":    {"42 (sh) S", Stat{State: 'S', Parent: -1, Group: -1, Session: -1}},
		"not a number":       {"42 (sh) S x", Stat{State: 'S', Group: -1, Session: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseStat([]byte(row.text)); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// sleeper starts a process with the variable that sleeps until the end of the
// test.
func sleeper(t *testing.T, variable string) int {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.Env = append(os.Environ(), variable)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	within(t, "it is loaded", func() bool { return len(Environ(cmd.Process.Pid)) > 0 })
	return cmd.Process.Pid
}

var within = leaktest.Within

func TestOfALivingProcess(t *testing.T) {
	pid := sleeper(t, "PROCFS_TEST=a b=c")
	s := ReadStat(pid)
	if s.PID != pid || s.Parent != os.Getpid() || s.Group != pid || !s.Living() || s.Start == 0 {
		t.Errorf("got %+v, want a living child of %d with a group of its own", s, os.Getpid())
	}
	if got := Name(pid); got != "sleep" {
		t.Errorf("the name is %q, want sleep", got)
	}
	if !strings.Contains(string(Environ(pid)), "\x00PROCFS_TEST=a b=c\x00") {
		t.Error("the environment lacks the variable")
	}
	if Loading(pid) || !SameNamespace(pid) {
		t.Errorf("loading: %v, same namespace: %v; want false and true", Loading(pid), SameNamespace(pid))
	}
	if r, p := Resident(pid), Peak(pid); r <= 0 || p <= 0 || p > 1<<30 {
		t.Errorf("resident %d, peak %d; want some of each", r, p)
	}
	pids, ok := Pids()
	if !ok || !slices.Contains(pids, pid) || !slices.Contains(pids, os.Getpid()) {
		t.Errorf("got %v, %v, want %d and ourselves among them", pids, ok, pid)
	}
	SetOOMScore(pid, 1000)
	if got := strings.TrimSpace(string(read(pid, "oom_score_adj"))); got != "1000" {
		t.Errorf("the score is %s, want 1000", got)
	}
}

// ReadStat returns the same about this process as others see.
func TestOfOurselves(t *testing.T) {
	seen, err := exec.Command("cat", path(os.Getpid(), "stat")).Output()
	if err != nil {
		t.Fatal(err)
	}
	want, got := parseStat(seen), ReadStat(os.Getpid())
	want.PID, want.State, want.CPU = os.Getpid(), got.State, got.CPU // these change
	if got != want || got.Start == 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOfNoProcess(t *testing.T) {
	const nobody = -1
	SetOOMScore(nobody, 1000)
	if s := ReadStat(nobody); s != (Stat{}) || s.Living() || s.Busy() {
		t.Errorf("got %+v, want the zero Stat", s)
	}
	if Name(nobody) != "" || len(Environ(nobody)) > 0 || Loading(nobody) || SameNamespace(nobody) ||
		Resident(nobody) != 0 || ResidentTree(nobody) != 0 || Peak(nobody) != 0 || len(Children(nobody)) > 0 {
		t.Error("want nothing of a process that does not exist")
	}
}

// Both ways to list children agree about the living and about a zombie.
func TestChildren(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Start(); err != nil {
		t.Fatal(err)
	}
	defer dead.Wait()
	within(t, "it is a zombie", func() bool { return ReadStat(dead.Process.Pid).State == 'Z' })
	want := []int{dead.Process.Pid, sleeper(t, "A=1"), sleeper(t, "A=2")}
	slices.Sort(want)
	for name, list := range map[string]func() []int{
		"ours":        OurChildren,
		"ours, again": OurChildren,
		"by files":    func() []int { return Children(os.Getpid()) },
		"by parent":   func() []int { return childrenByParent(os.Getpid()) },
	} {
		if got := list(); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if got := Descendants(os.Getpid()); len(got) != len(want) {
		t.Errorf("descendants: got %v, want %v", got, want)
	}
	if childrenByParent(-2) != nil || descendantsByParent(-2) != nil {
		t.Error("nobody has children, want none")
	}
}

// Both ways to list descendants agree.
func TestDescendants(t *testing.T) {
	tree := exec.Command("sh", "-c", "sleep 300 & sh -c 'sleep 300 & sleep 300 & echo; wait' & wait")
	out, err := tree.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	tree.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := tree.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-tree.Process.Pid, syscall.SIGKILL) // it runs
		_ = tree.Wait()                                      // it was killed
	}()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	got, byParent := Descendants(tree.Process.Pid), descendantsByParent(tree.Process.Pid)
	slices.Sort(got)
	slices.Sort(byParent)
	if len(got) != 4 || !slices.Equal(got, byParent) {
		t.Errorf("got %v by files and %v by parents, want the same 4", got, byParent)
	}
}
