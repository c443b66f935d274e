package procfs

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

// passThreads starts a child and prints its pid. Then it starts threads that exit at
// once, without end.
func passThreads() {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		os.Exit(1)
	}
	fmt.Println(child.Process.Pid)
	for {
		exits := make(chan struct{})
		go func() { // its thread exits with it
			defer close(exits)
			runtime.LockOSThread()
		}()
		<-exits
	}
}

// A child is found while threads of its parent start and exit, even the one that
// started it.
func TestChildrenOfPassingThreads(t *testing.T) {
	const variable = "PROCFS_TEST_THREADS"
	if os.Getenv(variable) != "" {
		passThreads()
	}
	parent := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	parent.Env = append(os.Environ(), variable+"=1")
	parent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-parent.Process.Pid, syscall.SIGKILL) // it runs
		_ = parent.Wait()                                      // it was killed
	}()
	var child int
	if _, err := fmt.Fscanln(out, &child); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if got := Children(parent.Process.Pid); !slices.Contains(got, child) {
			t.Fatalf("got %v at look %d, want %d among them", got, n, child)
		}
	}
}
