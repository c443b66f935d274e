package process

import (
	"bytes"
	"hash/fnv"
	"os"
	"slices"
	"strconv"
	"strings"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// A mark says which run of bootstrap started a process, and for which owner.
// All descendants have the same mark. It is kept in a soft resource limit that
// has no effect: that survives setsid, forks, exec and env -i, needs no /proc,
// and a child has it from its first instruction on. Where no such limit can be
// set, the mark is an environment variable.
type mark struct {
	run   uint32 // the run of bootstrap, see runNumber; 24 bits
	owner uint16 // the number of the Owner in the registry; 12 bits
	start uint16 // counts the started processes; 12 bits
}

// ourStart is the start in the mark of the runtime. No Process has it.
const ourStart = 0

// markMagic begins every mark: as a limit, a mark is a huge number that nobody
// would set.
const markMagic = 0x4253

func (m mark) number() uint64 {
	return markMagic<<48 | uint64(m.run)<<24 | uint64(m.owner)<<12 | uint64(m.start)
}

func parseMark(number uint64) (m mark, ok bool) {
	m = mark{run: uint32(number >> 24 & 0xffffff), owner: uint16(number >> 12 & 0xfff), start: uint16(number & 0xfff)}
	return m, number>>48 == markMagic
}

// runNumber identifies a run of bootstrap by its pid and start time. Another
// bootstrap uses it to find out whether the run still lives. Without /proc a
// bootstrap does not know its start time and sets runUnknown.
func runNumber(s procfs.Stat) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strconv.Itoa(s.PID) + " " + strconv.FormatUint(s.Start, 10))) // cannot fail
	number := h.Sum32() & (runUnknown - 1)
	if s.Start == 0 {
		number |= runUnknown
	}
	return number
}

// runUnknown is a bit of a run's number: other bootstraps cannot tell whether this
// run still lives.
const runUnknown = 1 << 23

// A marker sets and reads marks.
type marker interface {
	// set gives the mark to all processes that are started from now on.
	set(mark) error
	// environ returns the environment that a process with the mark needs.
	environ(env []string, m mark) []string
	// read returns the mark of a process. Some markers can read that of a
	// zombie. It returns false for a process without a mark.
	read(pid int) (mark, bool)
	// mayRun reports whether a process may be a bootstrap that has given its
	// mark to others.
	mayRun(pid int) bool
	String() string
}

// limitMarkers keep the mark in a resource limit without effect. Linux ignores
// RLIMIT_LOCKS since 2.4.25 (setrlimit(2)). RLIMIT_RTTIME, in microseconds,
// would kill a real-time process after thousands of years. gVisor accepts
// neither, but it accepts RLIMIT_CORE and writes no core files.
var limitMarkers = []limitMarker{
	{"RLIMIT_LOCKS", unix.RLIMIT_LOCKS},
	{"RLIMIT_RTTIME", unix.RLIMIT_RTTIME},
}

var coreMarker = limitMarker{"RLIMIT_CORE", unix.RLIMIT_CORE}

// findMarker returns the best marker that works here, or nil. It also returns
// the mark that we inherited: our parent may run under another bootstrap.
func findMarker() (found marker, inherited mark) {
	candidates := limitMarkers
	if _, err := os.Stat("/proc/sys/kernel/core_pattern"); os.IsNotExist(err) { // no core files are written
		candidates = append(candidates[:len(candidates):len(candidates)], coreMarker)
	}
	for _, candidate := range candidates {
		before, _ := candidate.read(0)
		if candidate.works() {
			return candidate, before
		}
	}
	if len(procfs.Environ(os.Getpid())) > 0 {
		inherited, _ = environMarker{}.read(os.Getpid())
		return environMarker{}, inherited
	}
	return nil, mark{}
}

// A limitMarker keeps marks in a resource limit.
type limitMarker struct {
	name     string
	resource int
}

// works reports whether a mark can be set and read again.
func (l limitMarker) works() bool {
	m, ok := l.read(0)
	if !ok { // keep a mark that is set already, as processes may have inherited it
		m = mark{run: runNumber(procfs.ReadStat(os.Getpid()))}
	}
	if l.set(m) != nil {
		return false
	}
	got, ok := l.read(0)
	return ok && got == m
}

func (l limitMarker) set(m mark) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(0, l.resource, nil, &limit); err != nil {
		return err
	}
	limit.Cur = m.number() // EINVAL if it exceeds limit.Max
	return unix.Prlimit(0, l.resource, &limit, nil)
}

func (l limitMarker) environ(env []string, _ mark) []string { return env }

// read asks the kernel, which answers for all processes of our user, including
// zombies.
func (l limitMarker) read(pid int) (mark, bool) {
	m, ok, _ := l.lookUp(pid)
	return m, ok
}

// lookUp does the same as read, and returns an error if the process does not show
// its limits: ESRCH if it does not exist.
func (l limitMarker) lookUp(pid int) (m mark, ok bool, err error) {
	var limit unix.Rlimit
	if err = unix.Prlimit(pid, l.resource, nil, &limit); err == nil {
		m, ok = parseMark(limit.Cur)
	}
	return m, ok, err
}

// mayRun returns true for a process with a mark, as a bootstrap has its own mark
// when it starts a process, and for one of another user, which does not show its
// limits.
func (l limitMarker) mayRun(pid int) bool {
	_, marked, err := l.lookUp(pid)
	return err != nil || marked
}

func (l limitMarker) String() string { return l.name }

// markVariable is the environment variable of an environMarker.
const markVariable = "FUNCTION_RUN"

// An environMarker keeps marks in an environment variable. A process that
// clears or overwrites its environment loses its mark.
type environMarker struct{}

func (environMarker) set(mark) error { return nil }

func (environMarker) environ(env []string, m mark) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, markVariable+"=") })
	return append(env, markVariable+"="+strconv.FormatUint(m.number(), 16))
}

func (environMarker) read(pid int) (mark, bool) { return markIn(procfs.Environ(pid)) }

// markIn finds the mark in an environment.
func markIn(environ []byte) (mark, bool) {
	const name = "\x00" + markVariable + "="
	value, found := bytes.CutPrefix(environ, []byte(name[1:]))
	if !found {
		_, value, found = bytes.Cut(environ, []byte(name))
	}
	if !found {
		return mark{}, false
	}
	value, _, _ = bytes.Cut(value, []byte{0})
	number, err := strconv.ParseUint(string(value), 16, 64)
	if err != nil {
		return mark{}, false
	}
	return parseMark(number)
}

// mayRun returns true: a bootstrap gives the mark to the environments of others,
// and has none in its own.
func (environMarker) mayRun(int) bool { return true }

func (environMarker) String() string { return markVariable }
