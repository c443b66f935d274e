package process

import (
	"slices"

	"bootstrap/internal/procfs"
)

// Children lists the children of the process, zombies too.
func (p *Process) Children() []int { return procfs.Children(p.pid) }

// LivingChildren lists its children that are not zombies.
func (p *Process) LivingChildren() []int {
	return slices.DeleteFunc(p.Children(), func(pid int) bool { return !procfs.ReadStat(pid).Living() })
}

// Resident returns how much memory the process holds, with all below it, in
// bytes.
func (p *Process) Resident() int { return procfs.ResidentTree(p.pid) }
