package main

import (
	"bootstrap/supervisor/logs"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// logLimit is how long the log may take at the end in all, and logPause while
// its reader takes nothing.
const (
	logLimit = 10 * time.Second
	logPause = 2 * time.Second
)

// logOf is the log on stdout. That may be the same pipe as stderr: then it is
// that log, as two would get into each other's way.
func (r *runtime) logOf(stdout io.Writer) *logs.Log {
	if sameFile(stdout, r.stderr) {
		return r.out
	}
	r.also = logs.NewLog(stdout, logs.Style{JSON: r.LogFormat == "json"})
	return r.also
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
func (r *runtime) closeLogs() {
	if r.also != nil {
		r.also.Close(logLimit, logPause)
	}
	r.out.Close(logLimit, logPause)
}

// complain hides secrets: some may have got into the wrong variable.
func (r *runtime) complain(wrong error) int {
	return r.refuse(errors.New(r.mask.Hide("wrong configuration:\n" + wrong.Error())))
}

func (r *runtime) refuse(err error) int {
	fmt.Fprintln(r.out.Complaints(), err)
	return exitUsage
}
