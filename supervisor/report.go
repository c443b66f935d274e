package supervisor

import (
	"cmp"
	"fmt"
	"runtime"
	"time"

	"bootstrap/protocol"
)

// report logs one line for each event, after its answer was posted: how long
// the poll and the event took, how the command exited, and its peak memory.
func (l *slotLoop) report(ev *protocol.Event, waited, took time.Duration, out int, err error) {
	if !l.supervisor.Log.IsInfo() {
		return
	}
	line := []any{"request_id", ev.ID, "wait", waited.Round(time.Millisecond).String(), "run", took.Round(10 * time.Microsecond).String()}
	if l.usage != nil {
		line = append(line, l.usage().fields()...)
	}
	line = append(line, "in", len(ev.Body), "out", out)
	if err != nil {
		line = append(line, "error", failure(err, "Runtime.InternalError").Type)
	}
	if l.supervisor.Log.IsDebug() {
		line = append(line, "goroutines", runtime.NumGoroutine())
	}
	l.supervisor.Log.Info("event", line...)
}

func (u Usage) fields() []any {
	fields := []any{"exit", cmp.Or(u.Exit, "none")}
	if u.Peak > 0 {
		fields = append(fields, "peak_memory", fmt.Sprintf("%.1fMB", float64(u.Peak)/(1<<20)))
	}
	return fields
}
