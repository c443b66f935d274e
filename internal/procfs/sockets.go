package procfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
)

// Socket returns the name of the TCP socket of this machine with a local IPv4
// address, in the form of the links in /proc/PID/fd: "socket:[4711]". It
// returns "" if there is no such socket.
func Socket(local netip.AddrPort) string {
	table, _ := os.ReadFile("/proc/net/tcp") // empty without /proc
	want := fmt.Appendf(nil, "%08X:%04X", binary.NativeEndian.Uint32(local.Addr().AsSlice()), local.Port())
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		// Another connection from the same port may be closed already: no
		// process has it, and its inode is 0.
		if len(fields) > 9 && bytes.Equal(fields[1], want) && string(fields[9]) != "0" {
			return "socket:[" + string(fields[9]) + "]"
		}
	}
	return ""
}

// HasOpen reports whether a process has an open file whose link in /proc/PID/fd
// is name.
func HasOpen(pid int, name string) bool {
	dir, err := os.Open(path(pid, "fd"))
	if err != nil {
		return false
	}
	defer dir.Close()
	links, _ := dir.Readdirnames(-1) // after an error the names read so far count
	for _, link := range links {
		if target, err := os.Readlink(path(pid, "fd/"+link)); err == nil && target == name {
			return true
		}
	}
	return false
}
