package tencent

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

type invokeParams struct {
	qualified
	InvocationType, ClientContext, LogType string
	RoutingKey                             any // there is one version
}

type invokeFunctionParams struct {
	qualified
	Event, LogType string
	RoutingKey     any // there is one version
}

// A result is what became of an invocation. The SDK for Go refuses other types.
type result struct {
	Log, RetMsg, ErrMsg string
	MemUsage            int64   // bytes
	Duration            float64 // ms
	BillDuration        int64   // ms
	FunctionRequestId   string
	InvokeResult        int
}

type invoked struct{ Result result }

// invoke sends an event and waits for its result, unless it is asynchronous.
func (s *server) invoke(c *call, p *invokeParams) (any, error) {
	switch p.InvocationType {
	case "", "RequestResponse":
		return s.send(c, p.qualified, "ClientContext", p.ClientContext, p.LogType)
	case "Event":
		return s.enqueue(c, p)
	}
	return nil, fail("InvalidParameterValue.InvokeType", "the InvocationType is %q: expected RequestResponse or Event", short(p.InvocationType))
}

// invokeFunction sends an event and waits for its result.
func (s *server) invokeFunction(c *call, p *invokeFunctionParams) (any, error) {
	return s.send(c, p.qualified, "Event", p.Event, p.LogType)
}

// send sends the event in a parameter. A failure of the function is a result.
func (s *server) send(c *call, q qualified, parameter, event, logType string) (any, error) {
	f, err := s.version(q)
	if err != nil {
		return nil, err
	}
	body, err := eventOf(parameter, event, local.LimitsOf(protocol.SCF).Event)
	if err != nil {
		return nil, err
	}
	if logType != "" && logType != "None" && logType != "Tail" {
		return nil, fail("InvalidParameterValue.Param", "the LogType is %q: expected None or Tail", short(logType))
	}
	inv, err := f.Invoke(c.Context(), local.Call{ID: c.id, Body: body, Via: "SCF API"})
	if errors.Is(err, local.ErrThrottled) {
		return invoked{throttled(c.id)}, nil
	}
	if err != nil {
		return nil, err
	}
	r := resultOf(inv)
	if logType == "Tail" {
		r.Log = tail(logOf(f, inv), local.LimitsOf(protocol.SCF).Log)
	}
	return invoked{r}, nil
}

// enqueue accepts an asynchronous event.
func (s *server) enqueue(c *call, p *invokeParams) (any, error) {
	f, err := s.version(p.qualified)
	if err != nil {
		return nil, err
	}
	body, err := eventOf("ClientContext", p.ClientContext, local.LimitsOf(protocol.SCF).AsyncEvent)
	if err != nil {
		return nil, err
	}
	id, err := f.Enqueue(local.Call{ID: c.id, Body: body, Via: "SCF API, asynchronous"})
	if errors.Is(err, local.ErrThrottled) {
		return nil, fail("RequestLimitExceeded", "too many asynchronous events of the function are waiting")
	}
	return invoked{result{FunctionRequestId: id}}, err
}

// eventOf checks an event. Without one, the function gets an empty object.
func eventOf(parameter, event string, limit int) ([]byte, error) {
	if len(event) > limit {
		return nil, fail("InvalidParameter.RequestTooLarge", "the parameter `%s` has %d bytes: expected at most %d", parameter, len(event), limit)
	}
	body := []byte(cmp.Or(event, "{}"))
	if !json.Valid(body) {
		return nil, fail("InvalidParameterValue.Param", "the parameter `%s` is not JSON: expected the event as a string of JSON", parameter)
	}
	return body, nil
}

// throttled returns the result of an event for which there is no instance.
func throttled(id string) result {
	text := string(clouderror.Of(protocol.SCF.Name, clouderror.Throttled).Body(id))
	return result{RetMsg: text, ErrMsg: text, FunctionRequestId: id, InvokeResult: -1}
}

// resultOf returns the result of an invocation, without its log. A failure is the
// function's answer, too: the vendor's clients show RetMsg.
func resultOf(inv *local.Invocation) result {
	r := result{
		FunctionRequestId: inv.ID, MemUsage: inv.Memory,
		Duration: milliseconds(inv.Outcome.Duration), BillDuration: int64(math.Ceil(milliseconds(inv.Outcome.Duration))),
	}
	r.RetMsg, r.InvokeResult = answerOf(inv)
	if r.InvokeResult != 0 {
		r.ErrMsg = r.RetMsg
	}
	return r
}

// answerOf returns the answer of an invocation, and 0 for a result, 1 for a failure
// of the function, or -1 for a failure of the platform.
func answerOf(inv *local.Invocation) (text string, code int) {
	switch {
	case inv.Fault == nil:
		return string(inv.Outcome.Body), 0
	case inv.Fault.Cause == clouderror.Failed:
		code = 1
	default:
		code = -1
	}
	return string(inv.Fault.Body(inv.ID)), code
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
