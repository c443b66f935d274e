//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"bootstrap/protocol/emulator"
)

// report says what became of an event: why it failed, then one line of
// figures.
func report(out io.Writer, o emulator.Outcome, memory int64) {
	if o.Kind != emulator.Result && len(o.Body) > 0 {
		fmt.Fprintf(out, "%s\n", o.Body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "report: request_id=%s duration=%v", o.ID, o.Duration.Round(10*time.Microsecond))
	if o.Init > 0 {
		fmt.Fprintf(&b, " init=%v", o.Init.Round(10*time.Microsecond))
	}
	fmt.Fprintf(&b, " memory=%.1fMB outcome=%q", float64(memory)/(1<<20), o.Kind)
	if o.Reason != "" {
		fmt.Fprintf(&b, " reason=%q", o.Reason)
	}
	fmt.Fprintln(out, b.String())
}
