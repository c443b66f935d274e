package cgroup

import (
	"os"
	"path/filepath"
	"testing"
)

// A tree holds the contents of files, by path.
type tree map[string]string

// folder makes a folder with the files of a tree.
func folder(t *testing.T, of tree) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range of {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	v1 := tree{"memory/job/memory.limit_in_bytes": "", "memory/memory.limit_in_bytes": ""}
	tests := []struct {
		name    string
		cgroups string
		tree    tree
		dir     string
		files   files
	}{
		{"version 2", "0::/job\n", tree{"job/memory.max": ""}, "job", version2},
		{"version 2, mounted as the root", "0::/a/b\n", tree{"memory.max": ""}, ".", version2},
		{"version 2, without memory", "0::/job\n", tree{"job/cgroup.procs": ""}, "", files{}},
		{"version 1", "5:cpu,cpuacct:/\n4:memory:/job\n", v1, "memory/job", version1},
		{"version 1, among others", "4:hugetlb,memory:/job\n0::/\n", v1, "memory/job", version1},
		{"version 1, mounted as the root", "4:memory:/docker/123\n", v1, "memory", version1},
		{"both", "4:memory:/job\n0::/job\n", tree{"memory/job/memory.limit_in_bytes": "", "job/cgroup.procs": ""}, "memory/job", version1},
		{"a colon in the path", "0::/a:b\n", tree{"a:b/memory.max": ""}, "a:b", version2},
		{"a path above the root", "0::/../../job\n", tree{"memory.max": ""}, ".", version2},
		{"nothing", "", v1, "", files{}},
		{"garbage", "x\n::\n4\n", v1, "", files{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := folder(t, test.tree)
			var m Memory
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
func TestHere(t *testing.T) {
	var m Memory
	m.Open()
	defer m.Close()
	if m.Killed() {
		t.Error("got a kill, want none")
	}
	if m.String() == "" {
		t.Error("got no words for it")
	}
	if unknown := (&Memory{}).String(); unknown != "the limit is unknown, the peak was unknown" {
		t.Errorf("got %s", unknown)
	}
}

func TestKilled(t *testing.T) {
	tests := []struct {
		name          string
		files         files
		before, after tree
		killed        bool
		want          string
	}{
		{"version 2", version2, tree{"memory.events": "oom 1\noom_kill 1\noom_group_kill 0\n", "memory.max": "134217728\n", "memory.peak": "134217728\n"},
			tree{"memory.events": "oom 2\noom_kill 2\n"}, true, "the limit is 128 MB, the peak was 128 MB"},
		{"version 2, no kill", version2, tree{"memory.events": "oom_kill 1\n", "memory.max": "max\n"},
			tree{"memory.events": "oom 9\noom_kill 1\n"}, false, "the limit is unknown, the peak was unknown"},
		{"version 1", version1, tree{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "memory.limit_in_bytes": "9223372036854771712", "memory.max_usage_in_bytes": "1048576"},
			tree{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"}, true, "the limit is unknown, the peak was 1 MB"},
		{"version 1 of old", version1, tree{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n", "memory.failcnt": "7\n", "memory.limit_in_bytes": ""},
			tree{"memory.failcnt": "8\n"}, true, ""},
		{"version 1 of old, no kill", version1, tree{"memory.oom_control": "oom_kill_disable 0\n", "memory.failcnt": "7\n", "memory.limit_in_bytes": ""},
			nil, false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := At(folder(t, test.before))
			defer m.Close()
			if m.files != test.files {
				t.Errorf("files: got %v, want %v", m.files, test.files)
			}
			for name, text := range test.after {
				if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o644); err != nil { // in its place, as the kernel does
					t.Fatal(err)
				}
			}
			if got := m.Killed(); got != test.killed {
				t.Errorf("killed: got %v, want %v", got, test.killed)
			}
			if m.Look(); m.Killed() {
				t.Error("killed, at the next event: got true")
			}
			if got := m.String(); test.want != "" && got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
