package local

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"bootstrap/protocol/emulator"
)

// A Call is an event for a function.
type Call struct {
	ID     string // the request id; empty: a random one
	Body   []byte
	IsJSON bool        // CheckJSON has found no error in Body
	Header http.Header // for the runtime, in addition to the platform's
	Via    string      // the source of the call, shown to people: "Lambda API", "timer"
}

// A Status is the state of an invocation.
type Status string

const (
	Queued    Status = "queued"
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed" // for the last time: it is not sent again
)

// An Invocation is a call and its outcome. A value that a method of Function
// returns does not change any more.
type Invocation struct {
	ID      string
	Via     string
	Event   []byte // nil in the history if it is too large
	Status  Status
	Async   bool // its caller does not wait
	Attempt int  // 0 for the first; asynchronous events are sent again after a failure
	Arrived time.Time
	Ended   time.Time     // zero: not yet
	Wait    time.Duration // in the queue, for an instance

	Outcome emulator.Outcome // valid once it has ended
	Memory  int64            // maximum memory of its instance in bytes; 0: unknown
	Log     []byte           // output of the instance during the invocation: at most the last maxLog bytes
	Fault   *Fault           // why there is no result; nil: Outcome.Body is the result
}

// Cold reports whether an instance was started for the invocation.
func (inv *Invocation) Cold() bool { return inv.Outcome.Init > 0 }

const (
	maxLog     = 64 << 10 // bytes of an invocation's log that are kept
	maxHistory = 200      // invocations of a function that are kept
	maxKept    = 64 << 10 // bytes of an event, and of a result, that are kept; larger ones are not
)

// TailLog returns the end of the log, at most limit bytes.
func (inv *Invocation) TailLog(limit int) []byte { return inv.Log[max(0, len(inv.Log)-limit):] }

// NewID returns a random UUID, for a request or an invocation.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
