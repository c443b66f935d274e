package emulator

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// An Event is what somebody invokes the function with.
type Event struct {
	ID     string // the request id; "": a random one
	Body   []byte
	Header http.Header // added to the platform's; wins over them
}

// A Kind says how an event ended.
type Kind int

const (
	Result        Kind = iota // the runtime posted a result
	Failure                   // the runtime posted an error, or its result was too large
	InitFailed                // the instance said that it cannot start, or exited before it was ready
	InitTimedOut              // the instance was not ready in time
	TimedOut                  // the event was not fetched, or not answered, in time
	RuntimeExited             // the instance exited with the event in hand
)

var kinds = [...]string{"result", "failure", "init failed", "init timed out", "timed out", "runtime exited"}

func (k Kind) String() string { return kinds[k] }

// ends: the platform ends the instance after such an outcome.
func (k Kind) endsInstance() bool { return k >= InitFailed }

// An Outcome is what became of an event.
type Outcome struct {
	Kind      Kind
	ID        string
	Body      []byte        // the result, or the error, as posted
	ErrorType string        // of an error: as its header says where the platform has one, else its body
	Reason    string        // of anything but a result: why, when it was not the runtime that said so
	Duration  time.Duration // from the delivery of the event to its end
	Init      time.Duration // from the start of the instance until it was ready, or failed; 0 but for its first outcome
}

// Stats count what runtimes did since New.
type Stats struct {
	Instances    int // started
	Connections  int
	Polls        int // calls for an event
	Idle         int // of these, over without one: it took too long, or the runtime hung up
	Deliveries   int // events handed out for the first time
	Redeliveries int // events handed out once more
	Readies      int // calls that say ready
	Responses    int // results taken
	Errors       int // errors taken
	InitErrors   int // init errors taken
	Extensions   int // registered
	Refused      int // calls answered with 4xx, but for those that were open at the end of their instance
}

// An invocation is an event on its way to its outcome. All but its outcome
// belongs to the machine; what is set at its delivery stays as it is.
type invocation struct {
	id        string
	body      []byte
	header    http.Header
	outcome   chan Outcome // takes the one that there will be
	again     chan bool    // takes word of a start that has to begin again
	delivered time.Time    // zero: not yet
	due       time.Time    // when its time is up, to fetch it or to answer it; zero: it was not offered
	tooLarge  bool         // its result was refused as such
	answer    *Outcome     // what was posted, where the event is over at the next poll; nil: nothing yet
	polled    bool         // that poll has come
}

// inHand: the instance has fetched it, and has to answer.
func (inv *invocation) inHand() bool { return !inv.delivered.IsZero() }

func newInvocation(ev Event) *invocation {
	id := ev.ID
	if id == "" {
		id = randomID()
	}
	return &invocation{id: id, body: ev.Body, header: ev.Header, outcome: make(chan Outcome, 1), again: make(chan bool, 1)}
}

// randomID is a random UUID.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
