// Package protocol speaks the runtime APIs of the platforms: it fetches
// events and posts one answer for each.
package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/textproto"
	"time"
)

// An Event is one invocation as the platform delivered it.
type Event struct {
	ID       string               // the platform's request id; never empty
	Body     []byte               // the payload, untouched; valid until the next event is asked for
	Received time.Time            // when its first byte arrived
	Deadline time.Time            // when the platform gives up on it; zero: it gave no limit
	Header   textproto.MIMEHeader // what came with it; may hold credentials, never log it
}

// Limit is the time from the event's arrival to its deadline; zero: none.
func (ev *Event) Limit() time.Duration {
	if ev.Deadline.IsZero() {
		return 0
	}
	return ev.Deadline.Sub(ev.Received)
}

// A Failure says that the user's command failed. It is posted in place of a
// result and the runtime carries on.
type Failure struct {
	// Type is stable and for machines: "Function." or "Runtime." and a
	// reason in letters. Lambda replaces anything of another form.
	Type string
	// Message is for people, one line.
	Message string
	// Stack is what led to it, a line each: a stack trace, or the end of
	// what the command wrote to stderr.
	Stack []string
}

// Failuref returns a Failure of that type, with a message in the form of
// fmt.Sprintf.
func Failuref(kind, format string, args ...any) *Failure {
	return &Failure{Type: kind, Message: fmt.Sprintf(format, args...)}
}

func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// JSON is the failure as every platform's users know it from the vendors'
// own runtimes: errorType, errorMessage, stackTrace. It is always valid:
// bytes that are not UTF-8 become U+FFFD.
func (f *Failure) JSON() []byte {
	stack := f.Stack
	if stack == nil {
		stack = []string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // messages are read in consoles, where \u003c is noise
	_ = enc.Encode(struct {  // strings only: cannot fail
		Type    string   `json:"errorType"`
		Message string   `json:"errorMessage"`
		Stack   []string `json:"stackTrace"`
	}{f.Type, f.Message, stack})
	return bytes.TrimRight(b.Bytes(), "\n")
}
