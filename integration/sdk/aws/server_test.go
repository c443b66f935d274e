// Package sdkaws lets AWS's SDKs for Go and for JavaScript use the Lambda API of
// bootstrapctl local. The Makefile's target sdks builds bootstrapctl first.
package sdkaws

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var (
	endpoint string // of the local platform
	zip      []byte // a package of the folder function
	zipFile  string
)

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot run the tests:", err)
		status = 1
	}
	os.Exit(status)
}

// run runs the tests beside a local platform.
func run(m *testing.M) (status int, err error) {
	dir, err := os.MkdirTemp("", "sdkaws-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	tool, err := filepath.Abs("../../../bin/bootstrapctl")
	if err != nil {
		return 1, err
	}
	zipFile = filepath.Join(dir, "function.zip")
	pack := exec.Command(tool, "pack", "-platform", "lambda", "-o", zipFile, "function")
	if out, err := pack.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("cannot pack the function: %w\n%s", err, out)
	}
	if zip, err = os.ReadFile(zipFile); err != nil {
		return 1, err
	}
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte("AKIDEXAMPLE:secret\n"), 0o600); err != nil {
		return 1, err
	}
	stop, err := serve(tool, keys)
	if err != nil {
		return 1, err
	}
	defer stop()
	return m.Run(), nil
}

// serve starts the local platform, which checks signatures, and waits until it listens.
func serve(tool, keys string) (stop func(), err error) {
	cmd := exec.Command(tool, "local", "-addr", "127.0.0.1:0", "-platform", "lambda", "-keys", keys, "function")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start the local platform: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error: it has exited
		_ = cmd.Wait()
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		stop()
		return nil, fmt.Errorf("the local platform does not say where it listens: %q", line)
	}
	endpoint = address
	return stop, nil
}
