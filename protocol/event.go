// Package protocol implements the runtime's side of each platform's runtime API: it
// fetches events and posts one answer for each.
package protocol

import (
	"fmt"
	"net/textproto"
	"time"

	"bootstrap/internal/jsontext"
)

// An Event is one invocation as the platform delivered it.
type Event struct {
	ID       string               // the platform's request id; never empty
	Body     []byte               // the payload, untouched; valid until the next event is asked for
	Received time.Time            // when its first byte arrived
	Deadline time.Time            // when the platform gives up on it; zero if there is no limit
	Header   textproto.MIMEHeader // may hold credentials: never log it
}

// Limit returns the time from the event's arrival to its deadline, or zero if there
// is none.
func (ev *Event) Limit() time.Duration {
	if ev.Deadline.IsZero() {
		return 0
	}
	return ev.Deadline.Sub(ev.Received)
}

// A Failure reports that the user's command failed. It is posted instead of a
// result, and the runtime continues.
type Failure struct {
	// Type is stable and for programs: "Function." or "Runtime." and a reason in
	// letters. Lambda replaces types of any other form.
	Type string
	// Message is one line for people.
	Message string
	// Stack holds the lines of a stack trace, or the last lines that the command
	// wrote to stderr.
	Stack []string
}

// Failuref returns a Failure of that type, with a message in the form of
// fmt.Sprintf.
func Failuref(kind, format string, args ...any) *Failure {
	return &Failure{Type: kind, Message: fmt.Sprintf(format, args...)}
}

func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// JSON returns the failure with the keys of the vendors' own runtimes: errorType,
// errorMessage and stackTrace. It is always valid JSON, because invalid UTF-8
// becomes U+FFFD.
func (f *Failure) JSON() []byte {
	b := jsontext.Append([]byte(`{"errorType":`), f.Type)
	b = jsontext.Append(append(b, `,"errorMessage":`...), f.Message)
	b = append(b, `,"stackTrace":[`...)
	for i, line := range f.Stack {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsontext.Append(b, line)
	}
	return append(b, "]}"...)
}
