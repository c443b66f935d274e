// Package procfs reads what /proc says about processes. The functions return
// zero values for a process that has exited, and where /proc is missing.
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
	Start   uint64        // start time in clock ticks since boot; PID and Start together are unique
	CPU     time.Duration // used processor time, in steps of 10 ms
}

// Living reports whether the process has not exited.
func (s Stat) Living() bool {
	return s.State != 0 && s.State != 'Z' && s.State != 'X' && s.State != 'x'
}

// Busy reports whether the process wants a processor or waits in the kernel.
func (s Stat) Busy() bool { return s.State == 'R' || s.State == 'D' }

// ReadStat returns the Stat of a process, or the zero Stat if it has exited.
// Our own Stat is read from our first thread, as qemu-user invents a
// /proc/self/stat with a start time that no other process sees.
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

// tick is the unit of times in /proc (USER_HZ), which is the same on all
// processors that Go supports.
const tick = 10 * time.Millisecond

// parseStat parses "pid (name) state parent group session …". The name may
// contain any character.
func parseStat(text []byte) (s Stat) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	number := func(i int) int {
		if i >= len(fields) {
			return -1
		}
		n, _ := strconv.Atoi(string(fields[i])) // written by the kernel
		return n
	}
	if len(fields) > 0 {
		s.State = fields[0][0]
	}
	s.Parent, s.Group, s.Session, s.Start = number(1), number(2), number(3), uint64(max(0, number(19)))
	s.CPU = time.Duration(max(0, number(11))+max(0, number(12))) * tick
	return s
}

// Pids lists all processes that /proc shows. It returns false where /proc is
// missing.
func Pids() (pids []int, ok bool) {
	names, _ := list("/proc") // after an error the names read so far count
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, len(pids) > 0 // an empty folder is not a procfs
}

// Name returns the name of a process as the kernel keeps it: the first 15
// bytes.
func Name(pid int) string { return string(bytes.TrimSpace(read(pid, "comm"))) }

// Environ returns the environment of a process: the variables with a NUL after
// each. It is empty for a zombie, for a process that loads a program, and for
// one that we may not read.
func Environ(pid int) []byte { return read(pid, "environ") }

// Loading reports whether a process without an environment may be loading a
// program, and will show an environment soon.
func Loading(pid int) bool { return ReadStat(pid).Busy() && len(read(pid, "cmdline")) == 0 }

// User returns the effective user of a process, or -1 if it has exited.
func User(pid int) int {
	var info syscall.Stat_t
	if err := syscall.Stat(path(pid, ""), &info); err != nil {
		return -1
	}
	return int(info.Uid)
}

// SameNamespace reports whether a process lives in our PID namespace. It
// returns false if that is unknown.
func SameNamespace(pid int) bool {
	ours, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return false
	}
	its, err := os.Readlink(path(pid, "ns/pid"))
	return err == nil && (its == ours || !namespaceNamesAreStable(ours))
}

// namespaceNamesAreStable reports whether /proc gives a namespace one name.
// gVisor gives it another name in each folder. There all processes count as
// members of our namespace, as its sandboxes hardly have a second one.
func namespaceNamesAreStable(ours string) bool {
	again, err := os.Readlink(path(os.Getpid(), "task/"+strconv.Itoa(os.Getpid())+"/ns/pid"))
	return err != nil || again == ours
}

// SetOOMScore sets how soon the kernel kills a process when memory runs out:
// 1000 means first. It does nothing where the kernel refuses that.
func SetOOMScore(pid, score int) {
	file, err := os.OpenFile(path(pid, "oom_score_adj"), os.O_WRONLY, 0)
	if err == nil {
		_, _ = file.WriteString(strconv.Itoa(score)) // a refusal changes nothing
		_ = file.Close()
	}
}

func path(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

func read(pid int, name string) []byte { return ReadFile(path(pid, name)) }
