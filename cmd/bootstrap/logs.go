package main

import (
	"bootstrap/supervisor/logs"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// logTimeout is how long the log may take at the end in all, and logPause while
// its reader takes nothing.
const (
	logTimeout      = 10 * time.Second
	logStallTimeout = 2 * time.Second
)

// openStdoutLog is the log on stdout. That may be the same pipe as stderr: then it is
// that log, as two would get into each other's way.
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

// closeLogs gives the last words of all time to be read.
func (b *builder) closeLogs() {
	if b.stdoutLog != nil {
		b.stdoutLog.Close(logTimeout, logStallTimeout)
	}
	b.stderrLog.Close(logTimeout, logStallTimeout)
}

// failConfig hides secrets: some may have got into the wrong variable.
func (b *builder) failConfig(wrong error) int {
	return b.fail(errors.New(b.mask.Hide("wrong configuration:\n" + wrong.Error())))
}

func (b *builder) fail(err error) int {
	fmt.Fprintln(b.stderrLog.Complaints(), err)
	return exitUsage
}
