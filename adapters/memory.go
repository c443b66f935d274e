package adapters

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"bootstrap/adapters/command"
)

// A memory describes the control group that limits our memory, and counts how often
// the kernel has killed a process in it because memory ran out.
type memory struct {
	dir   string // folder of the group; empty if none was found
	files memoryFiles
	kills int64 // at the last call of look

	counter *os.File  // the file that counts kills; it stays open because every event reads it
	text    [512]byte // the content of counter
}

// memoryFiles holds the names of files in a control group. Before Linux 4.13 a
// group of version 1 does not count kills; hits, the number of times that its
// limit was reached, replaces that count.
type memoryFiles struct{ kills, hits, limit, peak string }

var (
	memoryV1 = memoryFiles{"memory.oom_control", "memory.failcnt", "memory.limit_in_bytes", "memory.max_usage_in_bytes"}
	memoryV2 = memoryFiles{"memory.events", "", "memory.max", "memory.peak"}
)

// open finds the control group of this process.
func (m *memory) open() {
	cgroups, _ := os.ReadFile("/proc/self/cgroup") // missing: no groups
	m.find("/sys/fs/cgroup", string(cgroups))
	m.kills = m.count()
}

// MemoryGroup describes the control group that limits our memory. It is empty if
// none is found; then nothing shows that memory has run out.
func MemoryGroup() string {
	var m memory
	m.open()
	defer m.close()
	switch {
	case m.dir == "":
		return ""
	case !m.counts():
		return m.String() + ", OOM kills are not counted"
	}
	return m.String() + ", OOM kills are counted"
}

func (m *memory) close() { _ = m.counter.Close() } // only read; nil is fine too

// find looks for the group below root. In a container our path in /proc may be one
// of the host's: then the group is mounted as the root.
func (m *memory) find(root, cgroups string) {
	for line := range strings.Lines(cgroups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, path
		switch {
		case len(fields) < 3:
		case strings.Contains(","+fields[1]+",", ",memory,"):
			m.findIn(memoryV1, filepath.Join(root, "memory", fields[2]), filepath.Join(root, "memory"))
		case fields[1] == "":
			m.findIn(memoryV2, filepath.Join(root, fields[2]), root)
		}
	}
}

func (m *memory) findIn(files memoryFiles, dirs ...string) {
	for _, dir := range dirs {
		if m.dir == "" && command.Exists(filepath.Join(dir, files.limit)) {
			m.dir, m.files = dir, files
		}
	}
}

// look notes the number of kills before an event.
func (m *memory) look() {
	if m.dir != "" {
		m.kills = m.count()
	}
}

// killed reports whether the kernel has killed a process because memory ran out
// since look.
func (m *memory) killed() bool { return m.dir != "" && m.count() > m.kills }

// counts reports whether the group counts kills.
func (m *memory) counts() bool {
	if m.dir == "" {
		return false
	}
	m.count() // opens the counter
	_, ok := m.readCounter()
	return ok
}

func (m *memory) count() int64 {
	if m.counter == nil {
		m.openCounter()
	}
	n, _ := m.readCounter() // the counter was readable before, and the kernel wrote it
	return n
}

// openCounter opens the file that counts kills, or else the one that counts hits.
func (m *memory) openCounter() {
	m.counter, _ = os.Open(filepath.Join(m.dir, m.files.kills)) // nil reads as no kills
	if _, ok := m.readCounter(); !ok && m.files.hits != "" {
		_ = m.counter.Close() // only read
		m.counter, _ = os.Open(filepath.Join(m.dir, m.files.hits))
	}
}

// readCounter reads a number, or the number after oom_kill.
func (m *memory) readCounter() (n int64, ok bool) {
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
func (m *memory) String() string {
	return fmt.Sprintf("the limit is %s, the peak was %s", m.size(m.files.limit), m.size(m.files.peak))
}

func (m *memory) size(name string) string {
	n, err := strconv.ParseInt(m.read(name), 10, 64)
	if err != nil || n > 1<<50 { // "max", or its like in version 1
		return "unknown"
	}
	return fmt.Sprintf("%d MB", n>>20)
}

func (m *memory) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(m.dir, name)) // missing in some kernels
	return strings.TrimSpace(string(text))
}
