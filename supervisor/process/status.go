package process

import (
	"fmt"
	"syscall"
)

// ExitText returns how a process exited in short: "0" or "signal 9".
func ExitText(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("signal %d", status.Signal())
	}
	return fmt.Sprint(status.ExitStatus())
}

// ExitReason returns how a process exited in words: "exit status 1" or "signal
// 9 (killed)".
func ExitReason(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("signal %d (%v)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
