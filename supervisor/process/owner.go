package process

import (
	"slices"
	"strconv"
	"strings"

	"bootstrap/internal/procfs"
)

// An Owner is a slot or a sidecar, whose processes must be told apart from
// those of others. It is a variable, NAME=value, in the environment of all that
// the owner starts; the registry knows its processes by their mark. A process
// without a mark is nobody's: every slot takes it for its own.
type Owner string

// Anybody owns every process.
const Anybody Owner = ""

// The names of owners.
const (
	slotName    = "FUNCTION_SLOT"
	sidecarName = "FUNCTION_SIDECAR"
)

// SlotOwner returns the owner of what the nth of several slots starts.
func SlotOwner(n int) Owner { return Owner(slotName + "=" + strconv.Itoa(n)) }

// SidecarOwner returns the owner of what a sidecar starts.
func SidecarOwner(name string) Owner { return Owner(sidecarName + "=" + name) }

func (o Owner) sidecar() bool { return strings.HasPrefix(string(o), sidecarName+"=") }

// isOwner reports whether a variable, NAME=value, names an owner.
func isOwner(variable string) bool {
	return strings.HasPrefix(variable, slotName+"=") || strings.HasPrefix(variable, sidecarName+"=")
}

// environ returns env with the owner's variable in place of any other owner's.
func (o Owner) environ(env []string) []string {
	if o == Anybody {
		return env
	}
	return append(slices.DeleteFunc(slices.Clone(env), isOwner), string(o))
}

// maxOwners is how many owners a mark can tell apart.
const maxOwners = 1 << 12

// ownerNumber returns the number of an owner in marks; Anybody is 0. The lock must
// be held.
func (r *registry) ownerNumber(of Owner) uint16 {
	if of == Anybody {
		return 0
	}
	i := slices.Index(r.owners, of)
	if i < 0 {
		i = len(r.owners)
		r.owners = append(r.owners, of)
	}
	return uint16((i + 1) % maxOwners)
}

// An answer to a question that cannot always be answered yet.
type answer int

const (
	no answer = iota
	yes
	unknown // a process that loads a program shows no environment
)

// owns reports whether an owner owns a process. The lock must be held.
func (r *registry) owns(of Owner, pid int) answer {
	if of == Anybody {
		return yes
	}
	owner := uint16(0) // nobody
	if r.sandbox.marker != nil {
		m, ok := r.sandbox.marker.read(pid)
		if _, env := r.sandbox.marker.(environMarker); env && !ok {
			if procfs.Loading(pid) {
				return unknown
			}
			m, ok = r.sandbox.marker.read(pid) // it may have loaded its program since
		}
		if ok && m.run == r.sandbox.run {
			owner = m.owner
		}
	}
	if owner == r.ownerNumber(of) || owner == 0 && !of.sidecar() {
		return yes
	}
	return no
}
