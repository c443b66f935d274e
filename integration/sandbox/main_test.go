// Package sandbox runs the built programs in real sandboxes: every scenario in
// every sandbox that this machine can make, and natively.
package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// programs is the folder with the built programs, one for each processor.
var programs string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == lookAlikeFlag {
		os.Exit(runAsProcess1(os.Args[2:]))
	}
	programs = os.Getenv(programsVariable)
	if programs != "" { // inside a sandbox, which has no compiler
		os.Exit(m.Run())
	}
	folder, err := os.MkdirTemp("", "sandbox-")
	if err == nil {
		programs, err = folder, build(folder, runtime.GOARCH)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the programs:", err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(status)
}

// build puts the runtime for a processor into folder.
func build(folder, arch string) error {
	cmd := exec.Command("go", "build", "-o", filepath.Join(folder, "bootstrap-"+arch), "../../cmd/bootstrap")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	return os.Chmod(folder, 0o755) // other users run it, too
}

// write puts a file into a folder.
func write(t testing.TB, dir, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// untested skips a test, or fails it if the variable CI says that everything
// must be tested.
func untested(t testing.TB, why string, args ...any) {
	t.Helper()
	why = "NOT TESTED: " + fmt.Sprintf(why, args...)
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}
