package failure

import "syscall"

// ShellStatus returns the wait status that a shell reports as code.
func ShellStatus(code int) syscall.WaitStatus {
	if signal := code - 128; signal > 0 && signal <= 64 {
		return syscall.WaitStatus(signal)
	}
	return syscall.WaitStatus(code << 8)
}

// Code returns a status as shells report it: 128 and the signal, if there was one.
func Code(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
