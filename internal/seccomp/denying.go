package seccomp

import (
	"runtime"
	"syscall"
	"testing"
)

// Denying runs f in a thread in which the kernel answers a system call with
// errno. The filter cannot be removed, so the thread is not used again.
func Denying(t testing.TB, call uint32, errno syscall.Errno, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() { // lasts as long as the tests, as its thread does
		runtime.LockOSThread()
		func() {
			err := Deny(call, errno)
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
