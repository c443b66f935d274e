package emulator

import (
	"fmt"
	"slices"
	"time"

	"bootstrap/protocol"
)

// A machine is the state of a platform: an instance, and the queue of events.
// The events at the front of the queue are offered to the instance, or the
// instance has fetched them and not answered yet. Each method is a transition,
// and none blocks. Calls must not be concurrent. The caller must call expire at
// the deadline.
//
// Two invariants hold. Fetched events are at the front of the queue, and the
// instance that fetched them is ready. While a ready instance holds a poll, no
// event is offered, and each fetched event is answered.
type machine struct {
	platform    *protocol.Platform
	concurrency int           // maximum number of fetched events
	limit       time.Duration // for an event
	initLimit   time.Duration

	instance     int // number of the latest instance
	phase        phase
	started      time.Time
	initTook     time.Duration // duration of the start, until an outcome has reported it
	again        bool          // this is the second start for the same event
	runtimeReady bool          // the runtime has reported that it is ready
	polled       bool          // the runtime has asked for an event
	extensions   []*extension  // of this instance
	fetchedIDs   []string      // ids of the events that this instance fetched last, at most concurrency
	heldPolls    []chan reply  // polls that wait for an event, the oldest first
	queue        []*invocation
	stats        Stats
}

// A phase is the state of the instance.
type phase int

const (
	down     phase = iota // no instance runs, or it has ended: its calls are refused
	starting              // not ready yet
	ready
)

// start begins the start of a new instance, and returns its number.
func (m *machine) start(now time.Time) (instance int) {
	m.end(now, m.instance, Outcome{Kind: RuntimeExited, Reason: "another instance was started"})
	m.instance++
	m.stats.Instances++
	m.phase, m.started, m.initTook, m.fetchedIDs = starting, now, 0, nil
	m.runtimeReady, m.polled, m.extensions = false, false, nil
	return m.instance
}

// end ends the instance, because its process has exited or used too much
// memory. The events that it has fetched get the outcome out. Those that it has
// not fetched wait for the next instance. If it has fetched no event at all,
// they get the outcome, too: the next instance might exit in the same way,
// without end.
func (m *machine) end(now time.Time, instance int, out Outcome) {
	if m.isOver(instance) {
		return
	}
	if m.phase == starting {
		if out.Kind == RuntimeExited {
			out.Kind = InitFailed
		}
		m.failInit(now, out)
		return
	}
	for _, inv := range m.front() {
		switch {
		case inv.answer != nil:
			m.finish(now, inv, *inv.answer)
		case len(m.fetchedIDs) == 0 || inv.isFetched():
			m.finish(now, inv, out)
		}
	}
	m.endInstance()
}

// deadline returns when the next time limit ends, or the zero time if there is
// no limit.
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

// expire applies the time limits that have ended. A timeout of an event ends
// the instance, unless the instance may serve several events.
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

// initExpires handles an instance that was not ready in time. On a platform
// that repeats such a start, the first event waits for the second start.
func (m *machine) initExpires(now time.Time) {
	switch front := m.front(); {
	case m.again:
		m.failInit(now, Outcome{Kind: TimedOut, Reason: fmt.Sprintf("not ready within %v, after a first start of %v", m.limit, m.initLimit), Duration: m.limit})
	case m.platform.RestartsInit && len(front) > 0:
		m.again = true
		front[0].again <- true // never blocks: an event is sent to it once
		m.endInstance()
	default:
		m.failInit(now, Outcome{Kind: InitTimedOut, Reason: fmt.Sprintf("not ready within %v", m.initLimit)})
	}
}

// timeoutReason says what an event that timed out was waiting for.
func (m *machine) timeoutReason(inv *invocation) string {
	switch {
	case !inv.isFetched():
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

// withdraw removes an event whose caller no longer waits. A fetched event
// stays, because the runtime works on it.
func (m *machine) withdraw(now time.Time, inv *invocation) {
	if !inv.isFetched() {
		m.drop(inv)
		m.advance(now)
	}
}

// The methods below are steps that several transitions share.

// isOver reports whether an instance has ended.
func (m *machine) isOver(instance int) bool { return m.phase == down || instance != m.instance }

// front returns a copy of the front of the queue: the events that the instance
// is offered or has fetched. Before the instance is ready, they are those that
// it will be offered.
func (m *machine) front() []*invocation {
	return slices.Clone(m.queue[:min(m.concurrency, len(m.queue))])
}

// fetched returns the events that the instance must answer.
func (m *machine) fetched() []*invocation {
	return slices.DeleteFunc(m.front(), func(inv *invocation) bool { return !inv.isFetched() })
}

// markReady notes that the runtime is ready. A starting instance is then ready
// if its extensions are.
func (m *machine) markReady(now time.Time) {
	m.runtimeReady = true
	if m.phase == starting && m.extensionsReady() {
		m.phase, m.initTook, m.again = ready, now.Sub(m.started), false
		m.advance(now)
	}
}

// advance offers the front of the queue to a ready instance. The time limit to
// fetch an event begins then.
func (m *machine) advance(now time.Time) {
	if m.phase != ready {
		return
	}
	for _, inv := range m.front() {
		if inv.due.IsZero() {
			inv.due = now.Add(m.limit)
		}
		if len(m.heldPolls) > 0 && !inv.isFetched() {
			m.deliver(now, inv)
		}
	}
}

// deliver sends inv to the oldest held poll.
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

// finish sends an event its outcome.
func (m *machine) finish(now time.Time, inv *invocation, out Outcome) {
	out.ID, out.Init, m.initTook = inv.id, m.initTook, 0
	if out.Duration == 0 && inv.isFetched() {
		out.Duration = now.Sub(inv.delivered)
	}
	inv.outcome <- out // does not block: an event has one outcome
	m.drop(inv)
}

func (m *machine) drop(inv *invocation) {
	m.queue = slices.DeleteFunc(m.queue, func(other *invocation) bool { return other == inv })
}

// failInit ends an instance whose start has failed. All events at the front of
// the queue get the outcome out.
func (m *machine) failInit(now time.Time, out Outcome) {
	m.initTook, m.again = now.Sub(m.started), false
	for _, inv := range m.front() {
		m.finish(now, inv, out)
	}
	m.endInstance()
}

// endInstance ends the instance: its calls are refused from now on. Events that
// it has not fetched are offered to the next instance.
func (m *machine) endInstance() {
	m.phase = down
	for _, inv := range m.front() {
		inv.due = time.Time{}
	}
	for _, p := range m.heldPolls {
		p <- reply{refusal: errInstanceOver}
	}
	m.heldPolls = nil
}
