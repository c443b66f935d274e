package aws

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// via says where the invocations of this package come from.
const via = "Lambda API"

const maxClientContext = 3583 // bytes in base64

// invoke sends an event to a function, in the way that X-Amz-Invocation-Type says.
func (c *call) invoke() (reply, error) {
	f, ref, err := c.invoked()
	if err != nil {
		return reply{}, err
	}
	event, err := c.event(ref)
	if err != nil {
		return reply{}, err
	}
	if c.notesOf(f).throttled {
		return reply{}, throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	}
	switch kind := c.r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		return c.invokeSync(f, event)
	case "Event":
		event.Header.Del("Lambda-Runtime-Client-Context") // is for those who wait
		return c.invokeLater(f, event)
	case "DryRun":
		c.header.Set("X-Amz-Executed-Version", latest)
		return reply{status: http.StatusNoContent}, nil
	default:
		return reply{}, violation(kind, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
}

// invoked returns the function to invoke. If there is only one, then it can also be
// named "function", as AWS's emulator names each function.
func (c *call) invoked() (*local.Function, reference, error) {
	f, ref, err := c.function()
	if all := c.cloud.Functions(protocol.Lambda); err != nil && ref.name == "function" && len(all) == 1 {
		return all[0], reference{all[0].Name(), ref.qualifier}, nil
	}
	return f, ref, err
}

// event returns the event in a request.
func (c *call) event(ref reference) (local.Call, error) {
	body := c.body
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := local.CheckJSON(body); err != nil {
		e := clouderror.Of(protocol.Lambda.Name, clouderror.NotJSON).Fill("detail", err.Error())
		return local.Call{}, badContent("%s", e.Text)
	}
	if kind := c.r.Header.Get("X-Amz-Log-Type"); kind != "" && kind != "None" && kind != "Tail" {
		return local.Call{}, violation(kind, "logType", "Member must satisfy enum value set: [None, Tail]")
	}
	context, err := c.clientContext()
	if err != nil {
		return local.Call{}, err
	}
	header := http.Header{}
	header.Set("Lambda-Runtime-Invoked-Function-Arn", c.arn(ref))
	header.Set("Lambda-Runtime-Trace-Id", c.trace())
	if context != "" {
		header.Set("Lambda-Runtime-Client-Context", context)
	}
	return local.Call{ID: c.id, Body: body, IsJSON: true, Header: header, Via: via}, nil
}

// clientContext returns the JSON in X-Amz-Client-Context, on one line.
func (c *call) clientContext() (string, error) {
	header := c.r.Header.Get("X-Amz-Client-Context")
	if len(header) > maxClientContext {
		return "", badContent("Client context must be at most %d bytes.", maxClientContext)
	}
	var context bytes.Buffer
	text, err := base64.StdEncoding.DecodeString(header)
	if header != "" && (err != nil || json.Compact(&context, text) != nil) {
		return "", badContent("Client context must be a valid Base64-encoded JSON object.")
	}
	return context.String(), nil
}

// trace returns the trace id of a request, or a new one, and adds it to the
// response.
func (c *call) trace() string {
	fresh := fmt.Sprintf("Root=1-%08x-%s;Sampled=0", c.now().Unix(), hex.EncodeToString(random(12)))
	trace := cmp.Or(c.r.Header.Get("X-Amzn-Trace-Id"), fresh)
	c.header.Set("X-Amzn-Trace-Id", trace)
	return trace
}

// invokeSync waits for the outcome of an event.
func (c *call) invokeSync(f *local.Function, event local.Call) (reply, error) {
	inv, err := f.Invoke(c.r.Context(), event)
	if err != nil {
		return reply{}, invokeFailure(f, err, local.LimitsOf(protocol.Lambda).Event)
	}
	c.header.Set("X-Amz-Executed-Version", latest)
	if c.r.Header.Get("X-Amz-Log-Type") == "Tail" {
		c.header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(tail(inv, f.Describe().MemoryMB)))
	}
	if inv.Fault == nil {
		return reply{http.StatusOK, inv.Outcome.Body}, nil
	}
	c.header.Set("X-Amz-Function-Error", "Unhandled")
	return reply{http.StatusOK, inv.Fault.Body(inv.ID)}, nil
}

// invokeLater accepts an event to be sent when there is an instance.
func (c *call) invokeLater(f *local.Function, event local.Call) (reply, error) {
	if _, err := f.Enqueue(event); err != nil {
		return reply{}, invokeFailure(f, err, local.LimitsOf(protocol.Lambda).AsyncEvent)
	}
	return reply{status: http.StatusAccepted}, nil
}

// invokeFailure returns the failure for an event that a function does not accept.
func invokeFailure(f *local.Function, err error, limit int) error {
	switch {
	case errors.Is(err, local.ErrTooLarge):
		return eventTooLarge(limit)
	case errors.Is(err, local.ErrThrottled) && f.Describe().Settings.Instances > 0:
		return throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	}
	return err
}

// invokeStreaming refuses to invoke a function that streams.
func (c *call) invokeStreaming() (reply, error) {
	if _, _, err := c.invoked(); err != nil {
		return reply{}, err
	}
	return reply{}, invalid("the local platform does not stream results: use Invoke")
}
