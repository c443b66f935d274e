package adapters

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/seccomp"
)

const sandboxVariable = "TEST_SANDBOX"

// sandboxed runs a test once more, alone, where that shell code has changed the
// mounts, and reports whether this is that run. The flags are for unshare.
func sandboxed(t *testing.T, setup string, flags ...string) bool {
	t.Helper()
	if os.Getenv(sandboxVariable) == t.Name() {
		return true
	}
	run := func(command ...string) *exec.Cmd {
		return exec.Command("unshare", slices.Concat(flags, []string{"--mount", "sh", "-c", setup + ` && exec "$@"`, "sh"}, command)...)
	}
	if out, err := run("true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine lets no test change mounts so: %v %s", err, out)
	}
	cmd := run(os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), sandboxVariable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in the sandbox: %v\n%s", err, out)
	}
	return false
}

// bareDev is shell code for a sandbox with few devices, as AWS Lambda's.
const bareDev = `mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3`

// denying runs f in a thread in which the kernel answers a system call with
// errno. The filter cannot be removed, so the thread is not used again.
func denying(t *testing.T, call uint32, errno syscall.Errno, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() { // lasts as long as the tests, as its thread does
		runtime.LockOSThread()
		func() {
			err := seccomp.Deny(call, errno)
			defer func() { done <- err }() // also where f ends the test
			if err == nil {
				f()
			}
		}()
		select {}
	}()
	if err := <-done; err != nil {
		t.Skipf("NOT TESTED: this machine has no system call filters: %v", err)
	}
}
