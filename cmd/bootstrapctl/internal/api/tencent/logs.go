package tencent

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// logOf returns the log of an invocation, as SCF shows it: with its own lines around what
// the function wrote.
func logOf(f *local.Function, inv *local.Invocation) string {
	var b strings.Builder
	megabytes := f.Describe().MemoryMB
	memory := strconv.FormatFloat(float64(inv.Memory)/(1<<20), 'f', -1, 64)
	fmt.Fprintf(&b, "START RequestId: %s\nEvent RequestId: %s\n", inv.ID, inv.ID)
	if inv.Cold() {
		start := inv.Outcome.Init.Milliseconds()
		fmt.Fprintf(&b, "Init Report RequestId: %s Coldstart: %dms (PullCode: 0ms InitRuntime: 0ms InitFunction: %dms) Memory: %dMB MemUsage: %sMB\n", inv.ID, start, start, megabytes, memory)
	}
	b.Write(inv.Log)
	if len(inv.Log) > 0 && inv.Log[len(inv.Log)-1] != '\n' {
		b.WriteByte('\n')
	}
	if inv.Fault != nil {
		fmt.Fprintf(&b, "ERROR RequestId: %s Result:%s\n", inv.ID, inv.Fault.Body(inv.ID))
	}
	fmt.Fprintf(&b, "END RequestId: %s\nReport RequestId: %s Duration:%dms Memory:%dMB MemUsage:%sMB", inv.ID, inv.ID, resultOf(inv).BillDuration, megabytes, memory)
	return b.String()
}

// tail returns at most that many bytes of the end of a text, and whole characters.
func tail(text string, limit int) string {
	from := max(0, len(text)-limit)
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	return text[from:]
}

type logsParams struct {
	qualified
	Offset, Limit      *int64
	Order, OrderBy     string
	Filter             struct{ RetCode string }
	FunctionRequestId  string
	StartTime, EndTime string
	SearchContext      any // the vendor has given it up
}

// A functionLog is an invocation in the answer of GetFunctionLogs.
type functionLog struct {
	FunctionName, RetMsg, RequestId, StartTime string
	RetCode, InvokeFinished                    int
	Duration                                   float64 // ms
	BillDuration, MemUsage                     int64   // ms, bytes
	Log, Level, Source                         string
	RetryNum                                   int
}

// logOrder has the fields that logs can be sorted by.
var logOrder = order[functionLog]{
	"function_name": func(a, b functionLog) int { return strings.Compare(a.FunctionName, b.FunctionName) },
	"duration":      func(a, b functionLog) int { return cmp.Compare(a.Duration, b.Duration) },
	"mem_usage":     func(a, b functionLog) int { return cmp.Compare(a.MemUsage, b.MemUsage) },
	"start_time":    func(a, b functionLog) int { return strings.Compare(a.StartTime, b.StartTime) },
}

// logFilters are by their names in a call.
var logFilters = map[string]func(inv *local.Invocation) bool{
	"":                      func(*local.Invocation) bool { return true },
	"is0":                   func(inv *local.Invocation) bool { return inv.Fault == nil },
	"not0":                  func(inv *local.Invocation) bool { return inv.Fault != nil },
	"TimeLimitExceeded":     hasCause(clouderror.TimedOut, clouderror.InitTimedOut),
	"ResourceLimitExceeded": hasCause(clouderror.OutOfMemory),
	"UserCodeException":     hasCause(clouderror.Failed),
}

func hasCause(causes ...clouderror.Cause) func(inv *local.Invocation) bool {
	return func(inv *local.Invocation) bool { return inv.Fault != nil && slices.Contains(causes, inv.Fault.Cause) }
}

// getFunctionLogs lists invocations with their logs, the newest first.
func (s *server) getFunctionLogs(_ *call, p *logsParams) (any, error) {
	functions, err := s.logged(p.qualified)
	if err != nil {
		return nil, err
	}
	wanted, ok := logFilters[p.Filter.RetCode]
	if !ok {
		return nil, fail("InvalidParameterValue.RetCode", "the filter is %q: expected is0, not0, TimeLimitExceeded, ResourceLimitExceeded or UserCodeException", short(p.Filter.RetCode))
	}
	from, to, err := period(p.StartTime, p.EndTime)
	if err != nil {
		return nil, err
	}
	var all []functionLog
	for _, f := range functions {
		for _, inv := range slices.Backward(f.Invocations()) {
			if wanted(inv) && isWithin(inv, from, to) && (p.FunctionRequestId == "" || p.FunctionRequestId == inv.ID) {
				all = append(all, functionLogOf(f, inv))
			}
		}
	}
	shown, err := cut(all, page{p.Offset, p.Limit, cmp.Or(p.OrderBy, "start_time"), cmp.Or(p.Order, "DESC")}, logOrder)
	return struct {
		Data          []functionLog
		TotalCount    int
		SearchContext struct {
			Offset        string
			Limit         int
			Keyword, Type string
		}
	}{Data: shown, TotalCount: len(all)}, err
}

// logged returns the functions whose logs a call asks for: one, or all if it names none.
func (s *server) logged(q qualified) ([]*local.Function, error) {
	if q.FunctionName == "" {
		return s.cloud.Functions(protocol.SCF), checkNamespace(q.Namespace)
	}
	f, err := s.version(q)
	return []*local.Function{f}, err
}

func functionLogOf(f *local.Function, inv *local.Invocation) functionLog {
	r := resultOf(inv)
	entry := functionLog{
		FunctionName: f.Name(), RetMsg: r.RetMsg, RequestId: inv.ID, StartTime: date(inv.Arrived),
		RetCode: r.InvokeResult, InvokeFinished: 1, Duration: r.Duration, BillDuration: r.BillDuration, MemUsage: r.MemUsage,
		RetryNum: inv.Attempt, Log: logOf(f, inv),
	}
	if !isOver(inv) {
		entry.RetCode, entry.InvokeFinished, entry.Log = 2, 0, ""
	}
	return entry
}

func isOver(inv *local.Invocation) bool {
	return inv.Status == local.Succeeded || inv.Status == local.Failed
}

// period returns a period between two dates. Without one, it begins with the local
// platform, and ends later than now.
func period(start, end string) (from, to time.Time, err error) {
	to = time.Now().Add(time.Hour)
	if start != "" {
		from, err = parseDate(start)
	}
	if err == nil && end != "" {
		to, err = parseDate(end)
	}
	if err == nil && to.Before(from) {
		err = fail("InvalidParameterValue.DateTime", "the EndTime %s is before the StartTime %s", end, start)
	}
	return from, to, err
}

// isWithin reports whether an invocation arrived in a period, to the second.
func isWithin(inv *local.Invocation, from, to time.Time) bool {
	at := inv.Arrived.Truncate(time.Second)
	return !at.Before(from) && !at.After(to)
}
