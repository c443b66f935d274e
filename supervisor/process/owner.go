package process

import (
	"slices"
	"strconv"
	"strings"

	"bootstrap/internal/procfs"
)

// An Owner names a slot or a sidecar, as the environment variable NAME=value that its
// processes get. The registry recognises the processes by their mark, not by the
// variable. A process without a mark belongs to every slot.
type Owner string

// Anybody owns every process.
const Anybody Owner = ""

// The variables that name owners.
const (
	slotName    = "FUNCTION_SLOT"
	sidecarName = "FUNCTION_SIDECAR"
)

// SlotOwner returns the Owner for slot n of several.
func SlotOwner(n int) Owner { return Owner(slotName + "=" + strconv.Itoa(n)) }

// SidecarOwner returns the Owner for a sidecar.
func SidecarOwner(name string) Owner { return Owner(sidecarName + "=" + name) }

func (o Owner) sidecar() bool { return strings.HasPrefix(string(o), sidecarName+"=") }

// isOwner reports whether a variable, NAME=value, names an owner.
func isOwner(variable string) bool {
	return strings.HasPrefix(variable, slotName+"=") || strings.HasPrefix(variable, sidecarName+"=")
}

// environ returns env with the owner's variable in place of that of any other
// owner.
func (o Owner) environ(env []string) []string {
	if o == Anybody {
		return env
	}
	return append(slices.DeleteFunc(slices.Clone(env), isOwner), string(o))
}

// maxOwners is how many owners a mark can distinguish.
const maxOwners = 1 << 12

// ownerNumber returns the number of an owner in marks; Anybody is 0. The lock
// must be held.
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

// An answer is no, yes, or unknown for now.
type answer int

const (
	no answer = iota
	yes
	unknown // the process loads a program and shows no environment yet
)

// owns reports whether an owner owns a process. The lock must be held.
func (r *registry) owns(of Owner, pid int) answer {
	if of == Anybody {
		return yes
	}
	owner := uint16(0) // no owner
	if r.sandbox.marker != nil {
		m, ok := r.sandbox.marker.read(pid)
		if _, env := r.sandbox.marker.(environMarker); env && !ok {
			if procfs.Loading(pid) {
				return unknown
			}
			m, ok = r.sandbox.marker.read(pid) // the program may have been loaded since
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
