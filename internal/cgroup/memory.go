// Package cgroup reads the control group that limits the memory of this process.
package cgroup

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A Memory describes a control group that limits memory, and counts how often the
// kernel has killed a process in it because memory ran out. The zero value describes
// no group, and so does a Memory for which Open finds none. Then Killed returns false.
type Memory struct {
	dir   string // folder of the group; empty if none was found
	files files
	kills int64 // at the last call of Look

	counter *os.File  // the file that counts kills; it stays open because every event reads it
	text    [512]byte // the content of counter
}

// files holds the names of the files of a control group. Before Linux 4.13 a
// group of version 1 does not count kills; hits, the number of times that its
// limit was reached, replaces that count.
type files struct{ kills, hits, limit, peak string }

var (
	version1 = files{"memory.oom_control", "memory.failcnt", "memory.limit_in_bytes", "memory.max_usage_in_bytes"}
	version2 = files{"memory.events", "", "memory.max", "memory.peak"}
)

// Describe describes the group of this process. It is empty if none is found; then
// nothing shows that memory has run out.
func Describe() string {
	var m Memory
	m.Open()
	defer m.Close()
	switch {
	case m.dir == "":
		return ""
	case !m.Counts():
		return m.String() + ", OOM kills are not counted"
	}
	return m.String() + ", OOM kills are counted"
}

// Open finds the group of this process, and begins to count kills. The caller must
// call Close.
func (m *Memory) Open() {
	cgroups, _ := os.ReadFile("/proc/self/cgroup") // missing: no groups
	m.find("/sys/fs/cgroup", string(cgroups))
	m.Look()
}

// At returns the group whose files are in a folder, and begins to count kills. The
// caller must call Close.
func At(dir string) *Memory {
	m := &Memory{}
	m.findIn(version1, dir)
	m.findIn(version2, dir)
	m.Look()
	return m
}

// Dir returns the folder of the group. It is empty if there is no group.
func (m *Memory) Dir() string { return m.dir }

// Close closes the file that counts kills.
func (m *Memory) Close() { _ = m.counter.Close() } // only read; nil is fine too

// find looks for the group below root. In a container our path in /proc may be one
// of the host's: then the group is mounted as the root.
func (m *Memory) find(root, cgroups string) {
	for line := range strings.Lines(cgroups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, path
		switch {
		case len(fields) < 3:
		case strings.Contains(","+fields[1]+",", ",memory,"):
			m.findIn(version1, filepath.Join(root, "memory", fields[2]), filepath.Join(root, "memory"))
		case fields[1] == "":
			m.findIn(version2, filepath.Join(root, fields[2]), root)
		}
	}
}

func (m *Memory) findIn(names files, dirs ...string) {
	for _, dir := range dirs {
		if m.dir == "" && exists(filepath.Join(dir, names.limit)) {
			m.dir, m.files = dir, names
		}
	}
}

// Look notes the number of kills so far.
func (m *Memory) Look() {
	if m.dir != "" {
		m.kills = m.count()
	}
}

// Killed reports whether the kernel has killed a process because memory ran out
// since Look.
func (m *Memory) Killed() bool { return m.dir != "" && m.count() > m.kills }

// Counts reports whether the group counts kills.
func (m *Memory) Counts() bool {
	_, ok := m.readCounter()
	return m.dir != "" && ok
}

func (m *Memory) count() int64 {
	if m.counter == nil {
		m.openCounter()
	}
	n, _ := m.readCounter() // an unreadable counter counts no kills
	return n
}

// openCounter opens the file that counts kills, or else the one that counts hits.
func (m *Memory) openCounter() {
	m.counter, _ = os.Open(filepath.Join(m.dir, m.files.kills)) // nil reads as no kills
	if _, ok := m.readCounter(); !ok && m.files.hits != "" {
		_ = m.counter.Close() // only read
		m.counter, _ = os.Open(filepath.Join(m.dir, m.files.hits))
	}
}

// readCounter reads a number, or the number after oom_kill.
func (m *Memory) readCounter() (n int64, ok bool) {
	size, _ := syscall.Pread(int(m.counter.Fd()), m.text[:], 0) // one call is enough; ReadAt would try to fill the buffer
	text := m.text[:max(size, 0)]
	if _, kills, found := bytes.Cut(text, []byte("oom_kill ")); found {
		text = kills
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	n, err := strconv.ParseInt(string(line), 10, 64)
	return n, err == nil
}

// String returns the limit and the maximum use of memory.
func (m *Memory) String() string {
	return fmt.Sprintf("the limit is %s, the peak was %s", m.size(m.files.limit), m.size(m.files.peak))
}

func (m *Memory) size(name string) string {
	n, err := strconv.ParseInt(m.read(name), 10, 64)
	if err != nil || n > 1<<50 { // "max", or its like in version 1
		return "unknown"
	}
	return fmt.Sprintf("%d MB", n>>20)
}

func (m *Memory) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(m.dir, name)) // missing in some kernels
	return strings.TrimSpace(string(text))
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
