package emulator

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
)

// needsCgroups skips a test if this machine does not let us limit memory.
func needsCgroups(t *testing.T) *cgroup {
	t.Helper()
	c, err := newCgroup(1 << 30)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = c.remove() }) // the test may have removed it
	return c
}

// limited returns a runner whose instances have 128 MB.
func limited(t *testing.T, p *protocol.Platform, cgroups bool) *runnerFixture {
	t.Helper()
	helper("greedy")
	g := newRunnerFixture(t, p, Function{LimitMemory: true, MemoryMB: 128}, "runtime")
	if !cgroups {
		g.limits.newGroup = func(bytes int64) (*cgroup, error) { return newCgroupBelow(t.TempDir(), bytes) }
	}
	return g
}

// An instance that needs too much memory is killed, and the next event has a new one.
func TestOutOfMemory(t *testing.T) {
	for way, reason := range map[string]string{
		"cgroup":   "the instance used all of its 128 MB and needed more",
		"sampling": " MB of 128 MB",
	} {
		t.Run(way, func(t *testing.T) {
			onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
				if way == "cgroup" {
					needsCgroups(t)
				}
				g := limited(t, p, way == "cgroup")
				g.invoke("hello", Result)
				if got := g.MemoryLimit(); got != way {
					t.Errorf("got enforced by %q, want %q", got, way)
				}
				out := g.invoke("grow 1000", OutOfMemory)
				if !strings.HasSuffix(out.Reason, reason) || out.Memory < 64<<20 || out.Kind.String() != "out of memory" {
					t.Errorf("got %s with %d bytes, want the reason %q", describe(out), out.Memory, reason)
				}
				if g.PID() != 0 {
					t.Error("the instance lives on")
				}
				if out := g.invoke("hello", Result); out.Init == 0 || out.Memory == 0 || out.Memory >= 128<<20 {
					t.Errorf("the next event: got init %v, %d bytes", out.Init, out.Memory)
				}
			})
		})
	}
}

// If the kernel kills a child of the runtime, the runtime's answer does not
// count.
func TestOutOfMemoryInChild(t *testing.T) {
	needsCgroups(t)
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		g := limited(t, p, true)
		g.invoke("feed 10", Result)
		if out := g.invoke("feed 1000", OutOfMemory); !strings.Contains(out.Reason, "128 MB") {
			t.Errorf("got %s", describe(out))
		}
		g.invoke("hello", Result)
	})
}

// On a platform where an event ends with the next poll, an answer that has
// arrived counts, and the instance is killed nevertheless.
func TestOutOfMemoryAfterAnswer(t *testing.T) {
	f := start(t, protocol.Lambda, Function{})
	inv := f.submit(Event{ID: "1"})
	f.next()
	f.respond(202, "1", "done")
	f.s.update(func(m *machine, now time.Time) { m.end(now, m.instance, Outcome{Kind: OutOfMemory}) })
	f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("done")})
	f.expect(403, "GET", f.p.Next, "")
}

func TestOutOfMemoryAtStart(t *testing.T) {
	f := newFixture(t, protocol.SCF, Function{})
	end := f.s.begin()
	inv := f.submit(Event{ID: "1"})
	end(OutOfMemory, "too much")
	f.check(inv, Outcome{Kind: OutOfMemory, ID: "1", Reason: "too much"})
}

// Without a limit nothing is enforced.
func TestNoMemoryLimit(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{MemoryMB: 1}, "runtime")
	if out := g.invoke("hello", Result); out.Memory < 1<<20 || g.MemoryLimit() != "" {
		t.Errorf("got %d bytes, enforced by %q", out.Memory, g.MemoryLimit())
	}
}

// Shared pages count once.
func TestSharedMemory(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{helper("large"), quickExit}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); _ = cmd.Wait() }()
	for procfs.Resident(cmd.Process.Pid) < 64<<20 {
		time.Sleep(time.Millisecond)
	}
	const twice = 2 << 30 // a sum over processes may be that large
	if reason := (memoryLimit{bytes: 1 << 30}).exceeded(cmd.Process.Pid, twice); reason != "" {
		t.Errorf("got %q for a process with 64 MB", reason)
	}
	if reason := (memoryLimit{bytes: 32 << 20}).exceeded(cmd.Process.Pid, twice); !strings.HasSuffix(reason, "of 32 MB") {
		t.Errorf("got %q for a process with 64 MB of 32 MB", reason)
	}
}

// Cgroups are removed with their instance, once its leftovers are gone.
func TestCgroupsAreRemoved(t *testing.T) {
	parent := filepath.Dir(needsCgroups(t).dir)
	ours := func() (dirs []string) {
		dirs, _ = filepath.Glob(filepath.Join(parent, fmt.Sprintf("%s%d-*", cgroupPrefix, os.Getpid()))) // a valid pattern
		return dirs
	}
	before := len(ours())
	g := limited(t, protocol.SCF, true)
	g.invokeDeserter()
	if got := len(ours()); got != before+1 {
		t.Errorf("got %d cgroups with an instance, want %d", got, before+1)
	}
	g.Stop()
	g.Clear()
	if got := ours(); len(got) != before {
		t.Errorf("got %q after the end", got)
	}
}

// A cgroup of a process that was killed is removed by the next one.
func TestOrphanedCgroups(t *testing.T) {
	parent := t.TempDir()
	self := procfs.ReadStat(os.Getpid())
	old := []string{"bootstrap-emulator-0-1-1", fmt.Sprintf("bootstrap-emulator-%d-%d-1", self.PID, self.Start+1)}
	kept := []string{fmt.Sprintf("bootstrap-emulator-%d-%d-1", self.PID, self.Start), "bootstrap-emulator-notes", "other"}
	for _, name := range append(kept, old...) {
		if err := os.Mkdir(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removeOrphans(parent)
	for _, name := range old {
		if _, err := os.Stat(filepath.Join(parent, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(parent, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestCgroupParents(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"memory/a/b", "user.slice/session.scope"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, self string
		version    int
		want       []string
	}{
		{"version 1", "9:name=systemd:/\n4:memory:/a/b\n0::/user.slice\n", 1, []string{"memory/a/b", "memory"}},
		{"version 1 in a container", "4:memory:/docker/x\n", 1, []string{"memory"}},
		{"version 2", "0::/user.slice/session.scope\n", 2, []string{"user.slice/session.scope", "user.slice"}},
		{"version 2 in a container", "0::/\n", 2, []string{"."}},
		{"nothing", "", 2, nil},
		{"not what we know", "x\n1:cpu:/\n", 2, nil},
	} {
		version, got := cgroupParents(root, test.self)
		for i, dir := range got {
			got[i], _ = filepath.Rel(root, dir) // both are absolute
		}
		if version.number != test.version || !slices.Equal(got, test.want) {
			t.Errorf("%s: got version %d, %q, want %d, %q", test.name, version.number, got, test.version, test.want)
		}
	}
}

// If the kernel does not limit memory, no folder is left behind.
func TestNoController(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	for n, version := range cgroupVersions {
		c := &cgroup{dir: dir, limit: 1 << 20, version: version}
		if err := c.make(); err == nil {
			t.Errorf("version %d: got no error", n)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("version %d: the folder is still there", n)
		}
	}
}

// The files of version 2 are written and read as the kernel documents them.
func TestVersion2Files(t *testing.T) {
	c := &cgroup{dir: t.TempDir(), limit: 1 << 20, version: cgroupVersions[2]}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("memory.max", "")
	if err := c.write("memory.max", c.limit); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(c.dir, "memory.max")); string(text) != "1048576" {
		t.Errorf("got %q, %v", text, err)
	}
	for text, want := range map[string]bool{"": false, "low 0\nmax 7\noom 1\noom_kill 0\noom_group_kill 0\n": false, "low 0\noom 3\noom_kill 2\n": true, "oom_kill 12": true} {
		write("memory.events", text)
		if got := c.hasKilled(); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// A program starts in a cgroup of version 2, even in one without limits.
func TestStartInVersion2(t *testing.T) {
	for _, root := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		dir := filepath.Join(root, ourName())
		if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		c := &cgroup{dir: dir, version: cgroupVersions[2]}
		defer func() {
			if err := c.remove(); err != nil {
				t.Error(err)
			}
		}()
		cmd := exec.Command("cat", "/proc/self/cgroup")
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		out := &strings.Builder{}
		cmd.Stdout = out
		if err := c.starting((*exec.Cmd).Start)(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "0::/"+filepath.Base(dir)+"\n") {
			t.Errorf("got %v, %s", err, out)
		}
		return
	}
	t.Skip("we may make no cgroup of version 2 here")
}

// An instance starts even if the cgroup that was made for it does not work.
func TestBrokenCgroup(t *testing.T) {
	g := newRunnerFixture(t, protocol.SCF, Function{}, "runtime")
	broken := &cgroup{dir: filepath.Join(t.TempDir(), "none"), version: cgroupVersions[2]}
	g.limits.bytes, g.limits.useCgroups = 1<<30, true
	g.limits.newGroup = func(int64) (*cgroup, error) { return broken, nil }
	g.invoke("hello", Result)
	if g.MemoryLimit() != "sampling" || g.limits.useCgroups {
		t.Errorf("got enforced by %q", g.MemoryLimit())
	}
}
