package emulator

import (
	"fmt"
	"slices"
	"time"

	"bootstrap/protocol"
)

// A machine is the state of a platform: an instance and the events that wait
// for it, the first few of which are offered to the instance or are in its
// hands. Each method is something that happens; none of them blocks. It is for
// one caller at a time, which calls expire at the deadline.
//
// What always holds: events in hand are among the front of the queue, and the
// instance is ready; while a poll is held by a ready instance, no event is
// offered, and one in hand is answered.
type machine struct {
	platform    *protocol.Platform
	concurrency int           // how many events an instance may have in hand
	limit       time.Duration // for an event
	initLimit   time.Duration

	instance     int // number of the last one that was started
	phase        phase
	started      time.Time
	initTook     time.Duration // how long it took, until an outcome has told
	again        bool          // it is the second start for the same event
	runtimeReady bool          // its runtime has said that it is ready
	polled       bool          // its runtime has asked for an event
	extensions   []*extension  // of this instance
	fetchedIDs   []string      // ids of what this instance fetched last, as many as it may have in hand
	heldPolls    []chan reply  // the polls that wait for an event, the oldest first
	queue        []*invocation
	stats        Stats
}

// A phase is that of an instance.
type phase int

const (
	down     phase = iota // none runs, or it is over: its calls do not count
	starting              // it is not ready yet
	ready
)

func (m *machine) start(now time.Time) (instance int) {
	m.exited(now, m.instance, "another instance was started")
	m.instance++
	m.stats.Instances++
	m.phase, m.started, m.initTook, m.fetchedIDs = starting, now, 0, nil
	m.runtimeReady, m.polled, m.extensions = false, false, nil
	return m.instance
}

// exited: the process of the instance is gone. Events that it has not fetched
// can wait for the next instance, but not if this one never fetched any: the
// next might do the same for ever.
func (m *machine) exited(now time.Time, instance int, reason string) {
	if m.isOver(instance) {
		return
	}
	if m.phase == starting {
		m.again = false
		m.failInit(now, Outcome{Kind: InitFailed, Reason: reason})
		return
	}
	for _, inv := range m.front() {
		switch {
		case inv.answer != nil:
			m.finish(now, inv, *inv.answer)
		case len(m.fetchedIDs) == 0 || inv.inHand():
			m.finish(now, inv, Outcome{Kind: RuntimeExited, Reason: reason})
		}
	}
	m.endInstance()
}

// deadline is when the next limit ends; zero: none runs.
func (m *machine) deadline() (next time.Time) {
	switch {
	case m.phase == starting && m.again:
		return m.started.Add(m.limit)
	case m.phase == starting:
		return m.started.Add(m.initLimit)
	}
	for _, inv := range m.front() {
		if !inv.due.IsZero() && (next.IsZero() || inv.due.Before(next)) {
			next = inv.due
		}
	}
	return next
}

// expire: limits that have come to their end by now end what they are for. An
// event takes its instance with it, unless that may have others in hand.
func (m *machine) expire(now time.Time) {
	if at := m.deadline(); at.IsZero() || now.Before(at) {
		return
	}
	if m.phase == starting {
		m.initExpires(now)
		return
	}
	for _, inv := range m.front() {
		if !now.Before(inv.due) {
			m.finish(now, inv, Outcome{Kind: TimedOut, Reason: m.timeoutReason(inv), Duration: m.limit})
		}
	}
	if m.concurrency == 1 {
		m.endInstance()
	}
	m.advance(now)
}

// initExpires: the instance was not ready in time. Where the platform lets the
// start begin again, its first event waits for that.
func (m *machine) initExpires(now time.Time) {
	switch front := m.front(); {
	case m.again:
		m.again = false
		m.failInit(now, Outcome{Kind: TimedOut, Reason: fmt.Sprintf("not ready within %v, after a first start of %v", m.limit, m.initLimit), Duration: m.limit})
	case m.platform.RestartsInit && len(front) > 0:
		m.again = true
		front[0].again <- true // has room: once for an event
		m.endInstance()
	default:
		m.failInit(now, Outcome{Kind: InitTimedOut, Reason: fmt.Sprintf("not ready within %v", m.initLimit)})
	}
}

func (m *machine) timeoutReason(inv *invocation) string {
	switch {
	case !inv.inHand():
		return fmt.Sprintf("the event was not fetched within %v", m.limit)
	case inv.answer != nil && inv.polled:
		return fmt.Sprintf("an extension did not ask for the next event within %v", m.limit)
	case inv.answer != nil:
		return fmt.Sprintf("the event was answered, but the runtime did not ask for the next one within %v", m.limit)
	}
	return fmt.Sprintf("the event was not answered within %v", m.limit)
}

func (m *machine) offer(now time.Time, inv *invocation) {
	m.queue = append(m.queue, inv)
	m.advance(now)
}

// withdraw: nobody waits for the outcome any more. An event in hand stays
// there: the runtime knows nothing of it.
func (m *machine) withdraw(now time.Time, inv *invocation) {
	if !inv.inHand() {
		m.drop(inv)
		m.advance(now)
	}
}

// Below are the steps that happenings share.

func (m *machine) isOver(instance int) bool { return m.phase == down || instance != m.instance }

// front are the events that are offered or in hand, or will be once the
// instance is ready. What ends them may be done while ranging over it.
func (m *machine) front() []*invocation {
	return slices.Clone(m.queue[:min(m.concurrency, len(m.queue))])
}

// inHand are the events that the instance has to answer.
func (m *machine) inHand() []*invocation {
	return slices.DeleteFunc(m.front(), func(inv *invocation) bool { return !inv.inHand() })
}

// begin: the runtime is ready, and with it the instance, if it was starting and
// nothing else is missing.
func (m *machine) markReady(now time.Time) {
	m.runtimeReady = true
	if m.phase == starting && m.extensionsReady() {
		m.phase, m.initTook, m.again = ready, now.Sub(m.started), false
		m.advance(now)
	}
}

// advance offers the front of the queue to a ready instance: the time to fetch
// an event runs from here.
func (m *machine) advance(now time.Time) {
	if m.phase != ready {
		return
	}
	for _, inv := range m.front() {
		if inv.due.IsZero() {
			inv.due = now.Add(m.limit)
		}
		if len(m.heldPolls) > 0 && !inv.inHand() {
			m.deliver(now, inv)
		}
	}
}

// deliver hands inv to the poll that waits the longest.
func (m *machine) deliver(now time.Time, inv *invocation) {
	m.stats.Deliveries++
	inv.delivered, inv.due = now, now.Add(m.limit)
	m.fetchedIDs = append(m.fetchedIDs, inv.id)
	m.fetchedIDs = m.fetchedIDs[max(0, len(m.fetchedIDs)-m.concurrency):]
	m.heldPolls[0] <- reply{inv: inv}
	m.heldPolls = m.heldPolls[1:]
	for _, ext := range m.extensions {
		ext.deliver(inv)
	}
}

// finish gives an event its outcome.
func (m *machine) finish(now time.Time, inv *invocation, out Outcome) {
	out.ID, out.Init, m.initTook = inv.id, m.initTook, 0
	if out.Duration == 0 && inv.inHand() {
		out.Duration = now.Sub(inv.delivered)
	}
	inv.outcome <- out // has room: an event leaves the queue with it
	m.drop(inv)
}

func (m *machine) drop(inv *invocation) {
	m.queue = slices.DeleteFunc(m.queue, func(other *invocation) bool { return other == inv })
}

// initEnds: the instance will not get ready, which is the outcome of all that
// it would have been offered.
func (m *machine) failInit(now time.Time, out Outcome) {
	m.initTook = now.Sub(m.started)
	for _, inv := range m.front() {
		m.finish(now, inv, out)
	}
	m.endInstance()
}

// end: from here on the calls of the instance do not count. What it has not
// fetched is offered to the next one.
func (m *machine) endInstance() {
	m.phase = down
	for _, inv := range m.front() {
		inv.due = time.Time{}
	}
	for _, p := range m.heldPolls {
		p <- reply{refusal: errOver}
	}
	m.heldPolls = nil
}
