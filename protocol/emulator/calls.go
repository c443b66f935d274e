package emulator

import (
	"fmt"
	"strings"
	"time"

	"bootstrap/protocol"
)

// The calls of a runtime, as they happen to the machine.

// A reply is what a poll is answered with: an event, or a refusal.
type reply struct {
	inv *invocation
	no  *refusal
}

func (m *machine) ready(now time.Time, instance int) *refusal {
	if m.over(instance) {
		return errOver
	}
	m.stats.Readies++
	m.begin(now)
	return nil
}

// poll answers p at once, or holds it until there is an event. A poll that is
// held already is refused: whoever asks anew has given it up.
func (m *machine) poll(now time.Time, instance int, p chan reply) {
	m.stats.Polls++
	if m.over(instance) {
		p <- reply{no: errOver}
		return
	}
	if m.phase == starting && m.platform.Ready != "" {
		p <- reply{no: invalidState("not ready: POST %s comes first", m.platform.Ready)}
		return
	}
	m.begin(now)
	m.giveUpResult(now)
	inv := m.first()
	switch {
	case inv == nil || inv.delivered.IsZero():
		m.displace(invalidState("another call asks for the next event"))
		m.held = p
		m.deliver(now)
	case m.platform.Repeats:
		m.stats.Redeliveries++
		p <- reply{inv: inv}
	default:
		p <- reply{no: invalidState("event %s is not answered yet", inv.id)}
	}
}

// leave: no event came in time. It reports whether p was still held, and no
// longer is; if not, p has its reply.
func (m *machine) leave(p chan reply) bool {
	if m.held != p {
		return false
	}
	m.held = nil
	m.stats.Idle++
	return true
}

// An answer is what a runtime posted.
type answer struct {
	failed    bool   // an error, not a result
	body      []byte // not more than the platform takes, and one byte
	errorType string
}

// answer: the first that is taken is the outcome. After a result that was too
// large, an error may still be posted. id is that of the path.
func (m *machine) answer(now time.Time, instance int, id string, a answer) *refusal {
	inv := m.first()
	switch {
	case m.over(instance):
		return errOver
	case strings.Contains(m.platform.Response, "{id}") && id != m.last:
		// FunctionGraph's documents do not say; this is how Lambda has it.
		return &refusal{400, "InvalidRequestID", "not the id of the last event"}
	case inv == nil || inv.delivered.IsZero():
		return invalidState("there is no event to answer, or it was answered")
	case len(a.body) > m.platform.MaxResult:
		inv.tooLarge = true
		return &refusal{413, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", m.platform.MaxResult)}
	case inv.tooLarge && !a.failed:
		return invalidState("the result was too large: only an error may follow")
	}
	m.finish(now, m.outcome(a))
	m.advance(now)
	return nil
}

func (m *machine) outcome(a answer) Outcome {
	if a.failed {
		m.stats.Errors++
		return Outcome{Kind: Failure, Body: a.body, ErrorType: a.errorType}
	}
	m.stats.Responses++
	return Outcome{Kind: Result, Body: a.body}
}

// initError: the runtime says that it cannot start.
func (m *machine) initError(now time.Time, instance int, a answer) *refusal {
	switch {
	case m.over(instance):
		return errOver
	case m.phase != starting:
		return invalidState("the initialisation is over")
	}
	m.stats.InitErrors++
	m.init = now.Sub(m.started)
	m.finish(now, Outcome{Kind: InitFailed, Body: a.body, ErrorType: a.errorType})
	m.end()
	return nil
}

// giveUpResult: a runtime whose result was too large goes on without an error.
func (m *machine) giveUpResult(now time.Time) {
	inv := m.first()
	if inv == nil || !inv.tooLarge {
		return
	}
	reason := fmt.Sprintf("the result was larger than %d bytes", m.platform.MaxResult)
	f := &protocol.Failure{Type: "Function.ResponseSizeTooLarge", Message: reason}
	m.finish(now, Outcome{Kind: Failure, Body: f.JSON(), ErrorType: f.Type, Reason: reason})
	m.advance(now)
}
