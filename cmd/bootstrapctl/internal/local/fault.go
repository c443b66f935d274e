package local

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A Fault is the reason why an invocation has no result, in the form in which
// its platform reports it.
type Fault struct {
	clouderror.Error
	Posted    []byte // the error that the function or the runtime posted; nil: none
	ErrorType string // of the posted error
	Message   string // of the posted error, or else the text of the platform
}

func faultOf(p *protocol.Platform, cause clouderror.Cause, values ...string) *Fault {
	e := clouderror.Of(p.Name, cause).Fill(values...)
	return &Fault{Error: e, Message: e.Text}
}

// machineFault returns the fault of an event for an error of this machine, for which the
// platform has no error.
func machineFault(p *protocol.Platform, err error) *Fault {
	return &Fault{Error: clouderror.Error{Platform: p.Name, Text: err.Error()}, Message: err.Error()}
}

// Body returns the response body for the caller of the invocation with that id.
func (f *Fault) Body(id string) []byte {
	if f.Posted != nil && f.Platform != protocol.SCF.Name {
		return f.Posted
	}
	e := f.Error
	if f.Posted != nil {
		e.Text = f.Message
	}
	return e.Body(id)
}

// kept returns what the history keeps of a fault, which may be nil.
func (f *Fault) kept() *Fault {
	if f == nil || len(f.Posted) <= maxKept {
		return f
	}
	short := *f
	short.Posted = nil
	short.Text = fmt.Sprintf("the posted error is too large to keep: it has %d bytes", len(f.Posted))
	short.Message = short.Text
	return &short
}

// causes maps the kinds of outcomes to the causes in the table of errors.
var causes = map[emulator.Kind]clouderror.Cause{
	emulator.Failure:       clouderror.Failed,
	emulator.InitFailed:    clouderror.InitFailed,
	emulator.InitTimedOut:  clouderror.InitTimedOut,
	emulator.TimedOut:      clouderror.TimedOut,
	emulator.RuntimeExited: clouderror.Exited,
	emulator.OutOfMemory:   clouderror.OutOfMemory,
}

// faultIn returns the reason why an outcome has no result, or nil if it has
// one.
func (s *Settings) faultIn(out emulator.Outcome) *Fault {
	if out.Kind == emulator.Result {
		return nil
	}
	cause, limit := causes[out.Kind], s.Timeout
	if out.ErrorType == tooLarge {
		cause = clouderror.ResultTooLarge
	}
	if out.Kind == emulator.InitTimedOut && s.InitTimeout > 0 {
		limit = s.InitTimeout
	} else if out.Kind == emulator.InitTimedOut {
		limit = s.Platform.InitLimit
	}
	f := faultOf(s.Platform, cause, "seconds", seconds(limit), "reason", exitReason(out.Reason), "limit", strconv.Itoa(s.Platform.MaxResult))
	if out.Body != nil && cause != clouderror.ResultTooLarge {
		f.Posted, f.ErrorType = out.Body, out.ErrorType
		f.Message = messageOf(out.Body)
	}
	return f
}

// tooLarge is the type of the emulator's failure for a result that is too large.
const tooLarge = "Function.ResponseSizeTooLarge"

func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

// exitReason returns how Lambda describes the exit of a process.
func exitReason(reason string) string {
	if reason == "exit status 0" {
		return "without providing a reason"
	}
	return "with error: " + reason
}

// messageOf returns the message of a posted error, or the whole text if it has
// none.
func messageOf(posted []byte) string {
	var f struct{ ErrorMessage string }
	if err := json.Unmarshal(posted, &f); err == nil && f.ErrorMessage != "" {
		return f.ErrorMessage
	}
	return strings.TrimSpace(string(posted))
}
