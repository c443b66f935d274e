package supervisor

import (
	"fmt"
	"syscall"
)

// ExitText tells how a process ended, such as "0" or "signal 9".
func ExitText(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("signal %d", status.Signal())
	}
	return fmt.Sprint(status.ExitStatus())
}

// ending is a wait status in words.
func ending(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("signal %d (%v)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
