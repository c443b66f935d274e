package aws

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// A failure is an error of the API. The SDKs choose its type by the kind, and read the
// message from "message" or, for some kinds, from "Message".
type failure struct {
	status int
	kind   string
	body   object
}

// An object is a JSON object.
type object map[string]any

// Error implements error.
func (f *failure) Error() string { return fmt.Sprintf("%s: %v", f.kind, f.body) }

// reply returns the answer that reports the failure, and sets its headers.
func (f *failure) reply(header http.Header) reply {
	header.Set("X-Amzn-Errortype", f.kind)
	return reply{f.status, f.body}
}

// user returns the body of a failure that the caller can mend.
func user(message string) object { return object{"Type": "User", "message": message} }

func invalid(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "InvalidParameterValueException", user(fmt.Sprintf(format, args...))}
}

func badContent(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "InvalidRequestContentException", user(fmt.Sprintf(format, args...))}
}

// violation returns the failure for a value that does not satisfy a constraint of the
// API's model.
func violation(value any, field, format string, args ...any) *failure {
	text := fmt.Sprintf("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: ", value, field)
	return &failure{http.StatusBadRequest, "ValidationException", object{"message": text + fmt.Sprintf(format, args...)}}
}

func notFound(text string) *failure {
	return &failure{http.StatusNotFound, "ResourceNotFoundException", object{"Type": "User", "Message": text}}
}

func conflict(text string) *failure {
	return &failure{http.StatusConflict, "ResourceConflictException", user(text)}
}

func requestTooLarge(o operation) *failure {
	kind := "RequestEntityTooLargeException"
	if o.isInvoke() {
		kind = "RequestTooLargeException"
	}
	text := fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", o.limit(), o.name)
	return &failure{http.StatusRequestEntityTooLarge, kind, user(text)}
}

func eventTooLarge(limit int) *failure {
	e := clouderror.Of(protocol.Lambda.Name, clouderror.EventTooLarge).Fill("limit", strconv.Itoa(limit))
	return &failure{http.StatusRequestEntityTooLarge, e.Code, user(e.Text)}
}

func throttled(reason string) *failure {
	e := clouderror.Of(protocol.Lambda.Name, clouderror.Throttled)
	return &failure{http.StatusTooManyRequests, e.Code, object{"Reason": reason, "Type": "User", "message": e.Text}}
}

// failureOf returns the failure that reports an error.
func failureOf(err error) *failure {
	var f *failure
	var refused *local.Invalid
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &refused):
		return invalid("%s", refused.Error())
	case errors.Is(err, local.ErrNotFound): // it was deleted meanwhile
		return notFound(err.Error())
	case errors.Is(err, local.ErrThrottled):
		return throttled("ConcurrentInvocationLimitExceeded")
	}
	return &failure{http.StatusInternalServerError, "ServiceException", object{"Type": "Service", "Message": err.Error()}}
}
