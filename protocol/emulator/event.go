package emulator

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// An Event is an event for the function.
type Event struct {
	ID     string // the request id; "": a random one
	Body   []byte
	Header http.Header // added to the platform's headers, and overrides them
}

// A Kind says how an event ended.
type Kind int

const (
	Result        Kind = iota // the runtime posted a result
	Failure                   // the runtime posted an error, or a result that is too large
	InitFailed                // the instance reported a failed start, or exited before it was ready
	InitTimedOut              // the instance was not ready in time
	TimedOut                  // the event was not fetched, or not answered, in time
	RuntimeExited             // the instance exited before it had answered the event
	OutOfMemory               // the instance was killed because its processes needed more memory than it has
)

var kinds = [...]string{"result", "failure", "init failed", "init timed out", "timed out", "runtime exited", "out of memory"}

func (k Kind) String() string { return kinds[k] }

// endsInstance reports whether the platform kills the instance after an outcome
// of this kind.
func (k Kind) endsInstance() bool { return k >= InitFailed }

// An Outcome is the result of an event, or the reason why it has no result.
type Outcome struct {
	Kind      Kind
	ID        string
	Body      []byte        // the posted result or error
	ErrorType string        // of an error: from its header if the platform has one, else from its body
	Reason    string        // why there is no result; empty if the runtime posted a result or an error
	Duration  time.Duration // from the delivery of the event to its outcome
	Init      time.Duration // from the start of the instance until it was ready, or failed; only in its first outcome, else 0
	Memory    int64         // the maximum memory of the instance so far, in bytes, as the Runner measured it; 0: unknown
}

// Stats counts what runtimes have done since New.
type Stats struct {
	Instances    int // started instances
	Connections  int
	Polls        int // calls for an event
	Idle         int // polls that ended without an event: none came in time, or the runtime hung up
	Deliveries   int // events delivered for the first time
	Redeliveries int // events delivered again
	Readies      int // calls that report ready
	Responses    int // accepted results
	Errors       int // accepted errors
	InitErrors   int // accepted init errors
	Extensions   int // registered extensions
	Refused      int // calls answered with 4xx, except those during which their instance ended
}

// An invocation is an event with its outcome. Only the machine accesses the
// fields, except outcome and those that no longer change once the event is
// delivered.
type invocation struct {
	id        string
	try       string // id of this attempt to serve it, for platforms that send one
	body      []byte
	header    http.Header
	outcome   chan Outcome // has room for the only outcome
	again     chan bool    // gets true when the start has to begin again
	delivered time.Time    // zero: not yet
	due       time.Time    // deadline to fetch it, or to answer it once it is fetched; zero: it is not offered yet
	tooLarge  bool         // its result was refused because of its size
	answer    *Outcome     // the posted outcome, on a platform on which the event ends at the next poll; nil: none yet
	polled    bool         // the poll after the answer has come
}

// isFetched reports whether the instance has fetched the event and must answer
// it.
func (inv *invocation) isFetched() bool { return !inv.delivered.IsZero() }

func newInvocation(ev Event) *invocation {
	id := ev.ID
	if id == "" {
		id = randomID()
	}
	return &invocation{id: id, try: randomID(), body: ev.Body, header: ev.Header, outcome: make(chan Outcome, 1), again: make(chan bool, 1)}
}

// randomID returns a random UUID.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
