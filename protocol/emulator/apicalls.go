package emulator

import (
	"fmt"
	"slices"
	"time"

	"bootstrap/protocol"
)

// This file holds the transitions of the machine that a call of the runtime
// causes.

// A reply answers a poll with an event or a refusal.
type reply struct {
	inv     *invocation
	refusal *refusal
}

// ready handles the call by which a runtime reports that it is ready.
func (m *machine) ready(now time.Time, instance int) *refusal {
	if m.isOver(instance) {
		return errInstanceOver
	}
	m.stats.Readies++
	m.markReady(now)
	return nil
}

// firstPoll reports whether this is the first poll of the instance. It makes
// the instance ready, so that finding the caller does not count as a part of
// its start.
func (m *machine) firstPoll(now time.Time, instance int) (first bool) {
	if m.isOver(instance) || m.polled {
		return false
	}
	m.polled = true
	if m.platform.Ready == "" {
		m.markReady(now)
	}
	return true
}

// poll answers p at once, or holds it until there is an event. If the instance
// then held more polls than it may serve events, the oldest one is refused,
// because its caller has given up.
func (m *machine) poll(now time.Time, instance int, p chan reply) {
	m.stats.Polls++
	if m.isOver(instance) {
		p <- reply{refusal: errInstanceOver}
		return
	}
	if m.phase == starting && m.platform.Ready != "" {
		p <- reply{refusal: invalidState("not ready: POST %s comes first", m.platform.Ready)}
		return
	}
	m.markReady(now)
	if m.isFull() {
		m.failTooLarge(now)
	}
	current := m.fetched()
	switch {
	case m.answered() != nil:
		m.answered().polled = true
		m.replaceHeld(p)
		m.conclude(now)
	case len(current) < m.concurrency:
		m.hold(p)
		m.advance(now)
	case m.platform.Repeats:
		m.stats.Redeliveries++
		p <- reply{inv: current[0]}
	default:
		p <- reply{refusal: invalidState("event %s is not answered yet", current[0].id)}
	}
}

// isFull reports whether the current events and the held polls reach the limit
// of the instance.
func (m *machine) isFull() bool { return len(m.fetched())+len(m.heldPolls) >= m.concurrency }

// hold holds p, and refuses the oldest held poll if the instance is full.
func (m *machine) hold(p chan reply) {
	if m.isFull() {
		m.giveUpPoll()
	}
	m.heldPolls = append(m.heldPolls, p)
}

// replaceHeld refuses all held polls and holds p.
func (m *machine) replaceHeld(p chan reply) {
	for len(m.heldPolls) > 0 {
		m.giveUpPoll()
	}
	m.heldPolls = append(m.heldPolls, p)
}

// giveUpPoll refuses the oldest held poll.
func (m *machine) giveUpPoll() {
	m.heldPolls[0] <- reply{refusal: invalidState("another call is waiting for the next event")}
	m.heldPolls = m.heldPolls[1:]
}

// answered returns the event that is answered and waits for the next poll, or nil.
func (m *machine) answered() *invocation {
	for _, inv := range m.fetched() {
		if inv.answer != nil {
			return inv
		}
	}
	return nil
}

// settle ends an answered event, or keeps it until the next poll on a platform
// that waits for that.
func (m *machine) settle(now time.Time, inv *invocation, out Outcome) {
	if m.platform.AwaitsPoll {
		inv.answer = &out
		return
	}
	m.finish(now, inv, out)
	m.advance(now)
}

// conclude ends an answered event when the runtime and all extensions that got
// the event have asked for the next one.
func (m *machine) conclude(now time.Time) {
	if inv := m.answered(); inv != nil && inv.polled && m.extensionsReady() {
		m.finish(now, inv, *inv.answer)
		m.advance(now)
	}
}

// giveUp removes a held poll for which no event came in time. It returns false
// if p already has its reply.
func (m *machine) giveUp(p chan reply) bool {
	i := slices.Index(m.heldPolls, p)
	if i < 0 {
		return false
	}
	m.heldPolls = slices.Delete(m.heldPolls, i, i+1)
	m.stats.Idle++
	return true
}

// An answer is a result or an error that a runtime has posted.
type answer struct {
	failed    bool   // an error, not a result
	oddMode   bool   // its mode is unknown
	body      []byte // at most one byte more than the platform accepts
	errorType string
	try       string // the attempt that it answers; empty: the answer names none
}

// answer handles an answer. The first accepted answer is the outcome. After a
// result that is too large, an error may follow. id is the request id in the
// path.
func (m *machine) answer(now time.Time, instance int, id string, a answer) *refusal {
	if m.isOver(instance) {
		return errInstanceOver
	}
	inv := m.find(id)
	switch {
	case inv == nil && m.platform.NamesEvent() && !slices.Contains(m.fetchedIDs, id):
		// FunctionGraph documents nothing; Lambda does this.
		return &refusal{400, "InvalidRequestID", "not the id of the last event"}
	case inv == nil:
		return invalidState("there is no event to answer, or it was answered, or its time is up")
	case a.try != "" && a.try != inv.try: // not documented
		return &refusal{400, "InvalidInvocationID", "the answer is for another attempt to serve the event"}
	case inv.answer != nil:
		return invalidState("the event was already answered")
	case a.oddMode:
		m.settle(now, inv, failed("Runtime.InvalidResponseModeHeader", "unknown response mode"))
		return &refusal{400, "InvalidFunctionResponseMode", "Invalid function response mode"}
	case len(a.body) > m.platform.MaxResult:
		if inv.tooLarge = true; m.platform.TooLargeEnds {
			m.settle(now, inv, m.tooLarge())
		}
		return &refusal{413, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", m.platform.MaxResult)}
	case inv.tooLarge && !a.failed:
		return invalidState("the result was too large: only an error may follow")
	}
	m.settle(now, inv, m.outcome(a))
	return nil
}

// find returns the current event that an answer with that id is for, or nil.
func (m *machine) find(id string) *invocation {
	for _, inv := range m.fetched() {
		if inv.id == id || !m.platform.NamesEvent() {
			return inv
		}
	}
	return nil
}

// outcome counts an accepted answer and returns the outcome that it means.
func (m *machine) outcome(a answer) Outcome {
	if a.failed {
		m.stats.Errors++
		return Outcome{Kind: Failure, Body: a.body, ErrorType: a.errorType}
	}
	m.stats.Responses++
	return Outcome{Kind: Result, Body: a.body}
}

// initError handles a failed start that the runtime reports.
func (m *machine) initError(now time.Time, instance int, a answer) *refusal {
	switch {
	case m.isOver(instance):
		return errInstanceOver
	case m.phase != starting:
		return invalidState("the initialisation is over")
	}
	m.stats.InitErrors++
	m.failInit(now, Outcome{Kind: InitFailed, Body: a.body, ErrorType: a.errorType})
	return nil
}

// failTooLarge fails an event whose result was too large if the runtime polls again
// without posting an error.
func (m *machine) failTooLarge(now time.Time) {
	current := m.fetched()
	i := slices.IndexFunc(current, func(inv *invocation) bool { return inv.tooLarge && inv.answer == nil })
	if i < 0 {
		return
	}
	m.finish(now, current[i], m.tooLarge())
	m.advance(now)
}

// tooLarge returns the failure of an event whose result is too large.
func (m *machine) tooLarge() Outcome {
	return failed("Function.ResponseSizeTooLarge", fmt.Sprintf("the result was larger than %d bytes", m.platform.MaxResult))
}

// failed returns a failure that the platform itself reports.
func failed(kind, reason string) Outcome {
	f := &protocol.Failure{Type: kind, Message: reason}
	return Outcome{Kind: Failure, Body: f.JSON(), ErrorType: f.Type, Reason: reason}
}
