// Package procfs reads what /proc says about processes. A process that is
// gone reads as nothing, and so does everything where /proc is missing.
package procfs

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// A Stat is what /proc/PID/stat says about a process.
type Stat struct {
	PID     int
	State   byte // 'R' running, 'S' sleeping, 'D' waiting in the kernel, 'T' stopped, 'Z' zombie, 'X' dead
	Parent  int
	Group   int
	Session int
	Start   uint64        // when it started, in clock ticks since boot; with PID it names a process for good
	CPU     time.Duration // that it has used, in steps of 10 ms
}

// Living reports whether the process can still run: it is neither gone nor a
// zombie.
func (s Stat) Living() bool {
	return s.State != 0 && s.State != 'Z' && s.State != 'X' && s.State != 'x'
}

// Busy reports whether the process wants a processor or waits in the kernel.
func (s Stat) Busy() bool { return s.State == 'R' || s.State == 'D' }

// ReadStat returns the Stat of a process; the zero Stat when it is gone. It
// reads its own at its first thread, which started with the process: qemu-user
// invents /proc/self/stat, with another start than everybody else sees.
func ReadStat(pid int) Stat {
	name := "stat"
	if pid == os.Getpid() {
		name = "task/" + strconv.Itoa(pid) + "/stat"
	}
	text := read(pid, name)
	if len(text) == 0 {
		return Stat{}
	}
	s := parseStat(text)
	s.PID = pid
	return s
}

// tick is the unit of times in /proc, the same on all processors that Go knows
// (USER_HZ).
const tick = 10 * time.Millisecond

// parseStat parses "pid (name) state parent group session …". The name may
// hold any character.
func parseStat(text []byte) (s Stat) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	number := func(i int) int {
		if i >= len(fields) {
			return -1
		}
		n, _ := strconv.Atoi(string(fields[i])) // the kernel wrote it
		return n
	}
	if len(fields) > 0 {
		s.State = fields[0][0]
	}
	s.Parent, s.Group, s.Session, s.Start = number(1), number(2), number(3), uint64(max(0, number(19)))
	s.CPU = time.Duration(max(0, number(11))+max(0, number(12))) * tick
	return s
}

// Pids lists all processes that /proc shows. It reports false where /proc is
// missing.
func Pids() (pids []int, ok bool) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, false
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // an error leaves what was read
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, len(pids) > 0 // an empty folder is no procfs
}

// Name returns the name of a process as the kernel keeps it: the first 15
// bytes.
func Name(pid int) string { return string(bytes.TrimSpace(read(pid, "comm"))) }

// Environ returns the environment of a process as the kernel shows it: the
// variables with a NUL after each. It is empty while the process loads another
// program, for a zombie, and where we may not read it.
func Environ(pid int) []byte { return read(pid, "environ") }

// Loading reports whether a process that shows no environment may be loading a
// program: then it will show one soon.
func Loading(pid int) bool { return ReadStat(pid).Busy() && len(read(pid, "cmdline")) == 0 }

// User returns the effective user of a process; -1 when it is gone.
func User(pid int) int {
	var info syscall.Stat_t
	if err := syscall.Stat(path(pid, ""), &info); err != nil {
		return -1
	}
	return int(info.Uid)
}

// SameNamespace reports whether a process is known to live in our PID
// namespace.
func SameNamespace(pid int) bool {
	ours, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return false
	}
	its, err := os.Readlink(path(pid, "ns/pid"))
	return err == nil && (its == ours || !namespaceNamesAreStable(ours))
}

// namespaceNamesAreStable reports whether /proc gives a namespace the same name
// everywhere. gVisor gives it another in every folder: there all processes
// count as neighbours in one namespace, and hardly a sandbox has a second.
func namespaceNamesAreStable(ours string) bool {
	again, err := os.Readlink(path(os.Getpid(), "task/"+strconv.Itoa(os.Getpid())+"/ns/pid"))
	return err != nil || again == ours
}

// SetOOMScore asks the kernel to kill a process rather sooner (up to 1000) or
// later when memory runs out. Where that is not possible nothing happens.
func SetOOMScore(pid, score int) {
	file, err := os.OpenFile(path(pid, "oom_score_adj"), os.O_WRONLY, 0)
	if err == nil {
		_, _ = file.WriteString(strconv.Itoa(score)) // see above
		_ = file.Close()
	}
}

func path(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// read reads a file of a process in one call: between two calls the process
// may exit.
func read(pid int, name string) []byte {
	for size := 4 << 10; ; size *= 4 {
		file, err := os.Open(path(pid, name))
		if err != nil {
			return nil
		}
		text := make([]byte, size)
		n, _ := file.Read(text) // gone: nothing
		_ = file.Close()        // only read
		if n < size {
			return text[:max(n, 0)]
		}
	}
}
