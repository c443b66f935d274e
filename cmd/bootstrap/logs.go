package main

import (
	"bootstrap/supervisor/logs"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// logTimeout limits how long the program writes its last log lines before it
// exits, and logStallTimeout how long it waits for a reader that takes nothing.
const (
	logTimeout      = 10 * time.Second
	logStallTimeout = 2 * time.Second
)

// openStdoutLog returns the log on stdout. If stdout and stderr are the same
// pipe, it is the log on stderr, as two logs would mix their lines.
func (b *builder) openStdoutLog(stdout io.Writer) *logs.Log {
	if sameFile(stdout, b.stderr) {
		return b.stderrLog
	}
	b.stdoutLog = logs.NewLog(stdout, logs.Style{JSON: b.LogFormat == "json"})
	return b.stdoutLog
}

func sameFile(a, b io.Writer) bool {
	one, isFile := a.(*os.File)
	other, areFiles := b.(*os.File)
	if !isFile || !areFiles {
		return false
	}
	first, err := one.Stat()
	second, otherErr := other.Stat()
	return err == nil && otherErr == nil && os.SameFile(first, second)
}

// closeLogs writes out the last log lines.
func (b *builder) closeLogs() {
	if b.stdoutLog != nil {
		b.stdoutLog.Close(logTimeout, logStallTimeout)
	}
	b.stderrLog.Close(logTimeout, logStallTimeout)
}

// failConfig logs what is wrong with the configuration, and returns the exit
// status. It hides secrets, as some may be in the wrong variable.
func (b *builder) failConfig(configErr error) int {
	return b.fail(errors.New(b.mask.Hide("wrong configuration:\n" + configErr.Error())))
}

func (b *builder) fail(err error) int {
	fmt.Fprintln(b.stderrLog.Complaints(), err)
	return exitUsage
}
