package adapters

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindMemory(t *testing.T) {
	v1 := files{"memory/job/memory.limit_in_bytes": "", "memory/memory.limit_in_bytes": ""}
	tests := []struct {
		name    string
		cgroups string
		tree    files
		dir     string
		files   memoryFiles
	}{
		{"version 2", "0::/job\n", files{"job/memory.max": ""}, "job", memoryV2},
		{"version 2, mounted as the root", "0::/a/b\n", files{"memory.max": ""}, ".", memoryV2},
		{"version 2, without memory", "0::/job\n", files{"job/cgroup.procs": ""}, "", memoryFiles{}},
		{"version 1", "5:cpu,cpuacct:/\n4:memory:/job\n", v1, "memory/job", memoryV1},
		{"version 1, among others", "4:hugetlb,memory:/job\n0::/\n", v1, "memory/job", memoryV1},
		{"version 1, mounted as the root", "4:memory:/docker/123\n", v1, "memory", memoryV1},
		{"both", "4:memory:/job\n0::/job\n", files{"memory/job/memory.limit_in_bytes": "", "job/cgroup.procs": ""}, "memory/job", memoryV1},
		{"a colon in the path", "0::/a:b\n", files{"a:b/memory.max": ""}, "a:b", memoryV2},
		{"a path above the root", "0::/../../job\n", files{"memory.max": ""}, ".", memoryV2},
		{"nothing", "", v1, "", memoryFiles{}},
		{"garbage", "x\n::\n4\n", v1, "", memoryFiles{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := folder(t, test.tree)
			var m memory
			m.find(root, test.cgroups)
			dir := m.dir
			if dir != "" {
				dir, _ = filepath.Rel(root, dir)
			}
			if dir != test.dir || m.files != test.files {
				t.Errorf("got %q %v, want %q %v", dir, m.files, test.dir, test.files)
			}
		})
	}
}

// If the group does not exist on this machine, the state of memory is unknown,
// and nothing fails.
func TestMemoryHere(t *testing.T) {
	var m memory
	m.open()
	if m.killed() {
		t.Error("got a kill, want none")
	}
	if m.String() == "" {
		t.Error("got no words for it")
	}
	if unknown := (&memory{}).String(); unknown != "the limit is unknown, the peak was unknown" {
		t.Errorf("got %s", unknown)
	}
}

func TestMemoryKilled(t *testing.T) {
	tests := []struct {
		name          string
		files         memoryFiles
		before, after files
		killed        bool
		want          string
	}{
		{"version 2", memoryV2, files{"memory.events": "oom 1\noom_kill 1\noom_group_kill 0\n", "memory.max": "134217728\n", "memory.peak": "134217728\n"},
			files{"memory.events": "oom 2\noom_kill 2\n"}, true, "the limit is 128 MB, the peak was 128 MB"},
		{"version 2, no kill", memoryV2, files{"memory.events": "oom_kill 1\n", "memory.max": "max\n"},
			files{"memory.events": "oom 9\noom_kill 1\n"}, false, "the limit is unknown, the peak was unknown"},
		{"version 1", memoryV1, files{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "memory.limit_in_bytes": "9223372036854771712", "memory.max_usage_in_bytes": "1048576"},
			files{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"}, true, "the limit is unknown, the peak was 1 MB"},
		{"version 1 of old", memoryV1, files{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n", "memory.failcnt": "7\n"},
			files{"memory.failcnt": "8\n"}, true, ""},
		{"version 1 of old, no kill", memoryV1, files{"memory.oom_control": "oom_kill_disable 0\n", "memory.failcnt": "7\n"},
			nil, false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := memory{dir: folder(t, test.before), files: test.files}
			m.kills = m.count()
			for name, text := range test.after {
				if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o644); err != nil { // in its place, as the kernel does
					t.Fatal(err)
				}
			}
			if got := m.killed(); got != test.killed {
				t.Errorf("killed: got %v, want %v", got, test.killed)
			}
			if m.look(); m.killed() {
				t.Error("killed, at the next event: got true")
			}
			if got := m.String(); test.want != "" && got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Only kills that the cgroup counts mean that memory ran out.
func TestOutOfMemory(t *testing.T) {
	for _, kind := range []string{"program", "function"} {
		t.Run(kind, func(t *testing.T) {
			c := script(t, evaluate)
			if kind == "program" {
				c.Command, c.Delivery = `eval "$1"`, Argv
			}
			a := start(t, c)
			m := a.(*adapter).fn.memory
			*m = memory{dir: folder(t, files{"memory.events": "oom_kill 0\n", "memory.max": "1048576"}), files: memoryV2}
			count := "echo words >&2; echo oom_kill $RANDOM$$ >" + m.dir + "/memory.events; "
			fails(t, a, "kill -9 $$; sleep 1000", "Function.Signal", "killed by signal 9")
			fails(t, a, count+"kill -9 $$; sleep 1000", "Function.OutOfMemory", "out of memory: killed by the kernel: the limit is 1 MB, the peak was unknown: words")
			fails(t, a, "echo oom_kill 99999999999 >"+m.dir+"/memory.events; exit 1", "Function.ExitError", "exit status 1")
		})
	}
}

// The kernel kills for real, if this process may make a cgroup.
func TestOutOfMemoryForReal(t *testing.T) {
	var m memory
	if m.open(); m.dir == "" {
		t.Skip("no control group for memory")
	}
	m = memory{dir: filepath.Join(m.dir, "bootstrap-test"), files: m.files}
	if err := os.Mkdir(m.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		t.Skip("no control group can be made: ", err)
	}
	t.Cleanup(func() { _ = os.Remove(m.dir) }) // empty by then
	if err := os.WriteFile(filepath.Join(m.dir, m.files.limit), []byte("20971520"), 0); err != nil {
		t.Skip("no limit can be set: ", err)
	}
	m.kills = m.count()
	c := config(t, nil)
	c.Command = "echo $$ >" + m.dir + "/cgroup.procs && exec tail /dev/zero"
	a := start(t, c)
	*a.(*adapter).fn.memory = m
	for range 2 {
		got, failure := invoke(t, a, "")
		if failure == nil || failure.Type != "Function.OutOfMemory" || !strings.Contains(failure.Message, "the limit is 20 MB, the peak was 20 MB") {
			t.Errorf("got %q, %v", got, failure)
		}
	}
}
