package process

import (
	"slices"

	"bootstrap/internal/procfs"
)

// Children lists the children of the process, including zombies.
func (p *Process) Children() []int { return procfs.Children(p.pid) }

// LivingChildren lists the children of the process that are not zombies.
func (p *Process) LivingChildren() []int {
	return slices.DeleteFunc(p.Children(), func(pid int) bool { return !procfs.ReadStat(pid).Living() })
}

// Zombies returns how many of its children have exited and were not waited for.
func (p *Process) Zombies() (n int) {
	for _, pid := range p.Children() {
		if procfs.ReadStat(pid).State == 'Z' {
			n++
		}
	}
	return n
}

// Resident returns the resident memory of the process and its descendants, in
// bytes.
func (p *Process) Resident() int { return procfs.ResidentTree(p.pid) }
