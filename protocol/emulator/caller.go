package emulator

import (
	"net/netip"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// terminate sends SIGTERM to the runtime. That may be a child of the first
// process: a shell would die at once without passing the signal on.
func (i *instance) terminate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	target := i.pid()
	if now := procfs.ReadStat(i.caller.PID); i.caller.PID != 0 && now.Living() && now.Start == i.caller.Start {
		target = i.caller.PID
	}
	if !i.reaped {
		_ = syscall.Kill(target, syscall.SIGTERM) // ESRCH: it has exited
	}
}

// findCaller finds the process that has a connection with that address. It may
// be the runtime, or a child of it that lives for one call (curl). A sandbox
// that makes the calls of those within does not have their environment. A look
// may miss what is there: the kernel's tables change while they are read.
func (i *instance) findCaller(address netip.AddrPort) {
	const looks = 5
	for look := 0; look < looks && !i.lookForCaller(address); look++ {
		time.Sleep(time.Millisecond)
	}
}

// lookForCaller reports whether it found the process.
func (i *instance) lookForCaller(address netip.AddrPort) bool {
	socket := procfs.Socket(address)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reaped {
		return true
	}
	if socket == "" {
		return false
	}
	if procfs.HasOpen(i.pid(), socket) {
		return true
	}
	for _, pid := range procfs.Descendants(i.pid()) {
		if procfs.HasOpen(pid, socket) && hasVariable(procfs.Environ(pid), i.mark) {
			i.caller = procfs.ReadStat(pid)
			return true
		}
	}
	return false
}
