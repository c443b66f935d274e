// Package sandboxtest runs tests in namespaces in which something is missing.
package sandboxtest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// variable holds the name of the test that runs in the sandbox.
const variable = "TEST_SANDBOX"

// Run runs a test again, alone, in a namespace in which shell code has
// changed the mounts, and reports whether this is that run. The flags are for
// unshare.
func Run(t *testing.T, setup string, flags ...string) bool {
	t.Helper()
	if os.Getenv(variable) == t.Name() {
		return true
	}
	run := func(command ...string) *exec.Cmd {
		return exec.Command("unshare", slices.Concat(flags, []string{"--mount", "sh", "-c", setup + ` && exec "$@"`, "sh"}, command)...)
	}
	if out, err := run("true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine does not let a test change mounts: %v: %s", err, out)
	}
	cmd := run(os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in the sandbox: %v\n%s", err, out)
	}
	return false
}

// BareDev is shell code that leaves few devices, as in AWS Lambda.
const BareDev = `mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3`
