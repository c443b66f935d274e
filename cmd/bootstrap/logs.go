package main

import (
	"errors"
	"fmt"
	"time"
)

// logTimeout limits how long the program writes its last log lines before it
// exits, and logStallTimeout how long it waits for a reader that takes nothing.
const (
	logTimeout      = 10 * time.Second
	logStallTimeout = 2 * time.Second
)

// closeLogs writes out the last log lines.
func (b *builder) closeLogs() {
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
