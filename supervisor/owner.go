package supervisor

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// An Owner is whose a process is, where several have some at the same time: a
// slot, or a sidecar. It is a variable, NAME=value, in the environment of all
// that the owner starts, which tells later whose an orphan was. A process that
// has lost it, or written over it, is nobody's: every slot takes it for its own.
type Owner string

// Anybody owns every process.
const Anybody Owner = ""

// The names of owners.
const (
	slotName    = "FUNCTION_SLOT"
	sidecarName = "FUNCTION_SIDECAR"
)

// SlotOwner is the owner of what the nth of several slots starts.
func SlotOwner(n int) Owner { return Owner(slotName + "=" + strconv.Itoa(n)) }

// SidecarOwner is the owner of what a sidecar starts.
func SidecarOwner(name string) Owner { return Owner(sidecarName + "=" + name) }

func (o Owner) owns(pid int) bool {
	if o == Anybody {
		return true
	}
	owner := ownerOf(pid)
	return owner == o || owner == Anybody && !o.sidecar()
}

func (o Owner) sidecar() bool { return strings.HasPrefix(string(o), sidecarName+"=") }

// ownerOf reads the owner of a process; Anybody: it does not tell.
func ownerOf(pid int) Owner {
	for variable := range bytes.SplitSeq(environOf(pid), []byte{0}) {
		if isOwner(string(variable)) {
			return Owner(variable)
		}
	}
	return Anybody
}

// isOwner: a variable, NAME=value, says whose a process is.
func isOwner(variable string) bool {
	return strings.HasPrefix(variable, slotName+"=") || strings.HasPrefix(variable, sidecarName+"=")
}

// environOf is the environment of a process. While it loads another program
// there is none, nor are there arguments: then it is looked for again, until
// the process has run on, or waits for something. It is empty if the process is
// gone, or another user's.
func environOf(pid int) []byte {
	loaded := false
	for deadline := time.Now().Add(loadTime); ; time.Sleep(100 * time.Microsecond) {
		environ := readAtOnce("/proc/" + strconv.Itoa(pid) + "/environ")
		if len(environ) > 0 || loaded || time.Now().After(deadline) {
			return environ
		}
		state := runState(pid)
		loaded = state != 'R' && state != 'D' || len(readAtOnce("/proc/"+strconv.Itoa(pid)+"/cmdline")) > 0
	}
}

// readAtOnce reads a file of /proc in one call: between two, what it tells of
// may end.
func readAtOnce(path string) []byte {
	for size := usualPipe; ; size *= 2 {
		file, err := os.Open(path)
		if err != nil {
			return nil // gone
		}
		text := make([]byte, size)
		n, _ := file.Read(text) // gone: nothing
		_ = file.Close()        // only read
		if n < size {
			return text[:n]
		}
	}
}

// loadTime is how long a program may take to be loaded, where many others run.
const loadTime = time.Second
