// Package sdkhuawei lets Huawei Cloud's SDK for JavaScript use the FunctionGraph API of
// bootstrapctl local. The Makefile's target sdks builds bootstrapctl first. The SDK for Go
// has 250 MB; captured requests of it are in the tests of package api/huawei.
package sdkhuawei

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNode runs functiongraph.test.mjs beside a local platform that checks signatures.
// npm must have installed the SDK.
func TestNode(t *testing.T) {
	checkNode(t)
	tool, err := filepath.Abs("../../../bin/bootstrapctl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	zip, keys := filepath.Join(dir, "function.zip"), filepath.Join(dir, "keys")
	pack := exec.Command(tool, "pack", "-platform", "functiongraph", "-o", zip, "function")
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("cannot pack the function: %v\n%s", err, out)
	}
	if err := os.WriteFile(keys, []byte("AKEXAMPLE:SKEXAMPLE\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	endpoint := serve(t, tool, keys)
	tests := exec.Command("node", "--test", "--test-reporter=spec", "functiongraph.test.mjs")
	tests.Env = append(os.Environ(), "ENDPOINT="+endpoint, "ZIP="+zip)
	if out, err := tests.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// checkNode fails if node cannot run the tests.
func checkNode(t *testing.T) {
	t.Helper()
	const oldest = 20 // of those that have the test runner's reporters
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		t.Fatalf("cannot run node: %v", err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		t.Fatalf("NOT TESTED: node is %s, expected %d or newer", version, oldest)
	}
}

// serve starts a local platform with the function hello, and returns its address.
func serve(t *testing.T, tool, keys string) (endpoint string) {
	t.Helper()
	cmd := exec.Command(tool, "local", "-addr", "127.0.0.1:0", "-platform", "functiongraph", "-keys", keys, "function")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("cannot start the local platform: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error: it has exited
		if err := cmd.Wait(); err != nil {
			t.Errorf("the local platform: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatal(fmt.Sprintf("the local platform does not say where it listens: %q, %v", line, err))
	}
	return endpoint
}
