package emulator

import (
	"net/netip"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// terminate sends SIGTERM to the runtime. The runtime may be a child of the
// first process: if that process is a shell, it would exit at once and not pass
// the signal on. Only the first call sends a signal: at a second one, bootstrap
// would kill what it is stopping.
func (i *instance) terminate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asked || i.reaped {
		return
	}
	i.asked = true
	target := i.pid()
	if now := procfs.ReadStat(i.caller.PID); i.caller.PID != 0 && now.Living() && now.Start == i.caller.Start {
		target = i.caller.PID
	}
	_ = syscall.Kill(target, syscall.SIGTERM) // ESRCH: it has exited
}

// findCaller finds the process whose connection has that address: the runtime,
// or a child that lives for one call, such as curl. A sandbox that makes the
// calls for the processes in it does not have their environment, and is not
// found. findCaller looks several times, because the kernel's tables change
// while they are read.
func (i *instance) findCaller(address netip.AddrPort) {
	const looks = 5
	for look := 0; look < looks && !i.lookForCaller(address); look++ {
		time.Sleep(time.Millisecond)
	}
}

// lookForCaller looks once. It reports whether there is nothing left to look
// for.
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
