package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bootstrap/protocol"
)

// Leftovers of a runtime are removed from the developer's machine, and
// bootstrapctl reports them.
func TestInvokeLeavesNothing(t *testing.T) {
	runtime, err := filepath.Abs("testdata/runtime.py")
	if err != nil {
		t.Fatal(err)
	}
	line := "(setsid sleep 300 &); (setsid sleep 300 >/dev/null 2>&1 &); exec python3 " + runtime
	stdout, stderr, status := ctl(t, nil, "invoke", "-dir", t.TempDir(), "-event", "{}", "-runtime", line)
	if stdout != "{}" || status != 0 {
		t.Errorf("got %q and status %d; log:\n%s", stdout, status, stderr)
	}
	found := regexp.MustCompile(`left running, as the platform would: sleep \((\d+)\), sleep \((\d+)\)\n`).FindStringSubmatch(stderr)
	if found == nil {
		t.Fatalf("the log does not tell of 2 processes:\n%s", stderr)
	}
	for _, number := range found[1:] {
		pid, _ := strconv.Atoi(number) // digits
		until(t, number+" is gone", func() bool {
			cmdline, _ := os.ReadFile("/proc/" + number + "/cmdline") // gone: nothing
			return syscall.Kill(pid, 0) != nil || !strings.Contains(string(cmdline), "sleep")
		})
	}
}

// SIGTERM reaches the runtime, whatever the command puts in front of it.
func TestInvokeStopsTheRuntime(t *testing.T) {
	for _, line := range []string{"env A=b " + bootstrap, "cd /tmp; A=b " + bootstrap + "; echo over", "sh -c '" + bootstrap + "; true'"} {
		for _, p := range []*protocol.Platform{protocol.SCF, protocol.Lambda} {
			stdout, stderr, status := ctl(t, nil, "invoke", "-v", "-dir", shellFunction(t, "echo ok"), "-platform", p.Name, "-runtime", line)
			if stdout != "ok" || status != 0 || !strings.Contains(stderr, "bootstrap: stopped") || strings.Contains(stderr, "killed") {
				t.Errorf("%s, %s: got %q, status %d, want a stop in time; log:\n%s", line, p.Name, stdout, status, stderr)
			}
		}
	}
}
