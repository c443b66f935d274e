package emulator

import (
	"fmt"
	"slices"
	"time"

	"bootstrap/protocol"
)

// A machine is the state of a platform: an instance and the events that wait
// for it, the first of which is offered to the instance or is in its hands.
// Each method is something that happens; none of them blocks. It is for one
// caller at a time, which calls expire at the deadline.
//
// What always holds: an event in hand is the first of the queue, and the
// instance is ready; while a poll is held by a ready instance, no event waits.
type machine struct {
	platform  *protocol.Platform
	limit     time.Duration // for an event
	initLimit time.Duration

	instance   int // number of the last one that was started
	phase      phase
	started    time.Time
	init       time.Duration // how long it took, until an outcome has told
	asked      bool          // its runtime has said that it is ready
	extensions []*extension  // of this instance
	last       string        // id of what this instance fetched last; "": nothing yet
	held       chan reply    // the poll that waits for an event; nil: none
	queue      []*invocation
	deadline   time.Time // zero: nothing is due
	stats      Stats
}

// A phase is that of an instance.
type phase int

const (
	down     phase = iota // none runs, or it is over: its calls do not count
	starting              // it has not said that it is ready
	ready
)

func (m *machine) start(now time.Time) (instance int) {
	m.exited(now, m.instance, "another instance was started")
	m.instance++
	m.stats.Instances++
	m.phase, m.started, m.init, m.last = starting, now, 0, ""
	m.asked, m.extensions = false, nil
	m.deadline = now.Add(m.initLimit)
	return m.instance
}

// exited: the process of the instance is gone. An event that it has not
// fetched can wait for the next instance, but not if this one never fetched
// any: the next might do the same for ever.
func (m *machine) exited(now time.Time, instance int, reason string) {
	if m.over(instance) {
		return
	}
	switch inv := m.first(); {
	case m.phase == starting:
		m.init = now.Sub(m.started)
		m.finish(now, Outcome{Kind: InitFailed, Reason: reason})
	case inv != nil && (m.last == "" || !inv.delivered.IsZero()):
		m.finish(now, Outcome{Kind: RuntimeExited, Reason: reason})
	}
	m.end()
}

// expire: if the deadline has come, it ends the instance.
func (m *machine) expire(now time.Time) {
	if m.deadline.IsZero() || now.Before(m.deadline) {
		return
	}
	if m.phase == starting {
		m.init = now.Sub(m.started)
		m.finish(now, Outcome{Kind: InitTimedOut, Reason: fmt.Sprintf("not ready within %v", m.initLimit)})
	} else {
		m.finish(now, Outcome{Kind: TimedOut, Reason: m.late(), Duration: m.limit})
	}
	m.end()
}

func (m *machine) late() string {
	if m.first().delivered.IsZero() {
		return fmt.Sprintf("the event was not fetched within %v", m.limit)
	}
	return fmt.Sprintf("the event was not answered within %v", m.limit)
}

func (m *machine) offer(now time.Time, inv *invocation) {
	m.queue = append(m.queue, inv)
	if len(m.queue) == 1 {
		m.advance(now)
	}
}

// withdraw: nobody waits for the outcome any more. An event in hand stays
// there: the runtime knows nothing of it.
func (m *machine) withdraw(now time.Time, inv *invocation) {
	i := slices.Index(m.queue, inv)
	if i < 0 || !inv.delivered.IsZero() {
		return
	}
	m.queue = slices.Delete(m.queue, i, i+1)
	if i == 0 && m.phase == ready {
		m.deadline = time.Time{}
		m.advance(now)
	}
}

// Below are the steps that happenings share.

func (m *machine) over(instance int) bool { return m.phase == down || instance != m.instance }

// first is the event that is offered or in hand; nil: none.
func (m *machine) first() *invocation {
	if len(m.queue) == 0 {
		return nil
	}
	return m.queue[0]
}

// begin: the runtime is ready, and with it the instance, if it was starting and
// nothing else is missing.
func (m *machine) begin(now time.Time) {
	m.asked = true
	if m.phase == starting && m.complete() {
		m.phase, m.init, m.deadline = ready, now.Sub(m.started), time.Time{}
		m.advance(now)
	}
}

// advance offers the first event to a ready instance, whose time to fetch it
// runs from here.
func (m *machine) advance(now time.Time) {
	if m.phase == ready && m.first() != nil {
		m.deadline = now.Add(m.limit)
		m.deliver(now)
	}
}

// deliver hands the first event to the poll that is held, if there are both.
func (m *machine) deliver(now time.Time) {
	inv := m.first()
	if inv == nil || m.held == nil || m.phase != ready {
		return
	}
	m.stats.Deliveries++
	m.last, inv.delivered, m.deadline = inv.id, now, now.Add(m.limit)
	m.held <- reply{inv: inv}
	m.held = nil
}

// finish gives the first event, if there is one, its outcome.
func (m *machine) finish(now time.Time, out Outcome) {
	inv := m.first()
	if inv == nil {
		return
	}
	out.ID, out.Init, m.init = inv.id, m.init, 0
	if out.Duration == 0 && !inv.delivered.IsZero() {
		out.Duration = now.Sub(inv.delivered)
	}
	inv.outcome <- out // has room: an event leaves the queue with it
	m.queue = m.queue[1:]
	m.deadline = time.Time{}
}

// end: from here on the calls of the instance do not count.
func (m *machine) end() {
	m.phase, m.deadline = down, time.Time{}
	m.displace(errOver)
}

func (m *machine) displace(no *refusal) {
	if m.held != nil {
		m.held <- reply{no: no}
		m.held = nil
	}
}
