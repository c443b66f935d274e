package aws

import (
	"fmt"
	"math"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// tail returns the end of the log of an invocation, with the lines that Lambda adds.
func tail(inv *local.Invocation, memoryMB int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "START RequestId: %s Version: %s\n", inv.ID, latest)
	b.Write(inv.Log)
	if n := len(inv.Log); n > 0 && inv.Log[n-1] != '\n' {
		b.WriteByte('\n')
	}
	b.WriteString(faultLines(inv))
	fmt.Fprintf(&b, "END RequestId: %s\n%s\n", inv.ID, report(inv, memoryMB))
	text := b.String()
	return []byte(text[max(0, len(text)-local.LimitsOf(protocol.Lambda).Log):])
}

// faultLines returns what Lambda logs of a failure that the runtime has not reported.
func faultLines(inv *local.Invocation) string {
	switch f := inv.Fault; {
	case f == nil || f.Posted != nil:
		return ""
	case inv.Outcome.Kind == emulator.TimedOut:
		return fmt.Sprintf("%s %s %s\n\n", inv.Ended.UTC().Format("2006-01-02T15:04:05.000Z"), inv.ID, f.Message)
	default:
		return fmt.Sprintf("RequestId: %s Error: %s\n%s\n", inv.ID, f.Message, f.Code)
	}
}

// report returns the line with the cost of an invocation. A cold start is billed.
func report(inv *local.Invocation, memoryMB int) string {
	took, start := inv.Outcome.Duration, inv.Outcome.Init
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		inv.ID, milliseconds(took), math.Ceil(milliseconds(took+start)), memoryMB, (inv.Memory+1<<20-1)>>20)
	if inv.Cold() {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(start))
	}
	switch {
	case inv.Outcome.Kind == emulator.TimedOut:
		line += "Status: timeout"
	case inv.Fault != nil && inv.Fault.Posted == nil:
		line += "Status: error\tError Type: " + inv.Fault.Code
	}
	return line
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
