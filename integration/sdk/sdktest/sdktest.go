// Package sdktest runs bootstrapctl local for the tests that use vendors' SDKs. The
// Makefile's target sdks builds bootstrapctl first.
package sdktest

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

// A Server is a local platform that checks signatures, with the functions of the
// folder function.
type Server struct {
	Endpoint string // such as http://127.0.0.1:1234
	Zip      []byte // a package of the folder function
	ZipFile  string

	cmd *exec.Cmd
}

// Main runs the tests of a package beside a local platform and exits. The platform
// accepts requests that are signed with the key id and its secret. The server is
// valid during the tests.
func Main(m *testing.M, server *Server, platform, id, secret string) {
	status, err := server.run(m, platform, id+":"+secret+"\n")
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot run the tests:", err)
		status = 1
	}
	os.Exit(status)
}

func (s *Server) run(m *testing.M, platform, keys string) (status int, err error) {
	dir, err := os.MkdirTemp("", "sdktest-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	tool, err := filepath.Abs("../../../bin/bootstrapctl")
	if err != nil {
		return 1, err
	}
	if err := s.pack(tool, platform, filepath.Join(dir, "function.zip")); err != nil {
		return 1, err
	}
	keyFile := filepath.Join(dir, "keys")
	if err := os.WriteFile(keyFile, []byte(keys), 0o600); err != nil {
		return 1, err
	}
	if err := s.start(tool, platform, keyFile); err != nil {
		return 1, err
	}
	status = m.Run()
	if err := s.stop(); err != nil {
		return 1, fmt.Errorf("the local platform: %w", err)
	}
	return status, nil
}

func (s *Server) pack(tool, platform, file string) (err error) {
	pack := exec.Command(tool, "pack", "-platform", platform, "-o", file, "function")
	if out, err := pack.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot pack the function: %w\n%s", err, out)
	}
	s.ZipFile = file
	s.Zip, err = os.ReadFile(file)
	return err
}

// start starts the local platform, and waits until it listens.
func (s *Server) start(tool, platform, keyFile string) error {
	s.cmd = exec.Command(tool, "local", "-addr", "127.0.0.1:0", "-platform", platform, "-keys", keyFile, "function")
	s.cmd.Stderr = os.Stderr
	stdout, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("cannot start the local platform: %w", err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n') // an error: the line lacks the address
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		_ = s.stop() // the line is the reason
		return fmt.Errorf("the local platform does not say where it listens: %q", line)
	}
	s.Endpoint = endpoint
	return nil
}

func (s *Server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error: it has exited
	return s.cmd.Wait()
}

// RunNode runs a file of tests for Node with these variables. npm must have
// installed the SDK.
func RunNode(t *testing.T, file string, env ...string) {
	t.Helper()
	checkNode(t)
	cmd := exec.Command("node", "--test", "--test-reporter=spec", file)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// checkNode fails the test if node cannot run the tests.
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
