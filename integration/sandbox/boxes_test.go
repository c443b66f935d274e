package sandbox

import (
	"cmp"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"bootstrap/protocol"
)

// A box is a sandbox.
type box struct {
	name     string
	platform *protocol.Platform
	needs    []string // programs of the machine
	arch     string   // the processor of bootstrap; empty for the processor of this machine

	// contains returns the words that run this test program in the sandbox.
	// nil: it runs outside.
	contains func() []string
	wrapper  []string // the words that run bootstrap in the sandbox, or in a second one
	outside  bool     // this test program sees no process of the sandbox
	noProc   bool     // bootstrap and its functions have no /proc
	slow     int      // how many times as long as natively an event may take; 0: as long
	bomb     int      // the generations of a fork bomb, each twice as large as the one before
}

var native = box{name: "native", platform: protocol.SCF, bomb: 7}

var boxes = []box{
	// Only bootstrap is in the sandbox, as its process 1. It needs the
	// loopback of the machine, which only the rootless mode shares.
	{name: "gvisor as process 1", platform: protocol.FunctionGraph, needs: []string{"runsc"}, slow: 4, bomb: 5, outside: true,
		wrapper: []string{"runsc", "--rootless", "--network=host", "--ignore-cgroups", "--platform=ptrace", "do"}},
	{name: "gvisor", platform: protocol.FunctionGraph, needs: []string{"runsc"}, slow: 4, bomb: 5, contains: inGVisor},
	// Only bootstrap is emulated. Its children are programs of this machine.
	{name: "qemu", platform: protocol.SCF, needs: []string{"qemu-aarch64-static", "unshare"}, slow: 3, bomb: 7, contains: apart, arch: "arm64",
		wrapper: []string{"qemu-aarch64-static"}},
	{name: "lambda", platform: protocol.Lambda, needs: []string{"bwrap"}, bomb: 7, contains: lambdaLookAlike},
	{name: "no proc", platform: protocol.SCF, needs: []string{"unshare"}, bomb: 7, contains: apart, noProc: true,
		wrapper: []string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs none /proc && exec "$@"`, "sh"}},
}

// asProcess1 is a shell as process 1 of a sandbox. It reaps orphans.
var asProcess1 = []string{"sh", "-c", `"$@"; exit $?`, "sh"}

func inGVisor() []string {
	return slices.Concat([]string{"runsc", "--network=none", "--ignore-cgroups", "--platform=ptrace", "do"}, asProcess1, []string{itself()})
}

// apart gives a box its own PID namespace. Otherwise the bootstraps of other
// tests would kill the leftovers of a box as their own.
func apart() []string {
	return slices.Concat([]string{"unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"}, asProcess1, []string{itself()})
}

// command runs bootstrap.
func (b box) command() []string {
	return append(slices.Clone(b.wrapper), filepath.Join(programs, "bootstrap-"+cmp.Or(b.arch, runtime.GOARCH)))
}

// times returns a duration in this box.
func (b box) times(d time.Duration) time.Duration { return d * time.Duration(max(b.slow, 1)) }

// limit returns the options that end an event after a time. The command has the
// same time again to exit.
func (b box) limit(d time.Duration) []string {
	return []string{"BOOTSTRAP_TIMEOUT=" + (2 * b.times(d)).String(), "BOOTSTRAP_MARGIN=" + b.times(d).String()}
}
