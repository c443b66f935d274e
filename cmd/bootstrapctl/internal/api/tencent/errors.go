package tencent

import (
	"errors"
	"fmt"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// An apiError is why a call fails. Its codes are the vendor's.
type apiError struct{ Code, Message string }

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) error {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

// invalidCodes are by the field of a setting that the platform refuses.
var invalidCodes = map[string]string{
	"Name":        "InvalidParameterValue.FunctionName",
	"Timeout":     "LimitExceeded.Timeout",
	"InitTimeout": "LimitExceeded.InitTimeout",
	"MemoryMB":    "InvalidParameterValue.MemorySize",
	"Env":         "InvalidParameterValue.Environment",
	"Package":     "InvalidParameterValue.ZipFile",
}

// asAPI returns an error as callers of the API get it.
func asAPI(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*local.Invalid](err); ok && invalidCodes[e.Field] != "" {
		return &apiError{invalidCodes[e.Field], e.Why}
	}
	code := "InternalError"
	switch {
	case errors.Is(err, local.ErrNotFound):
		code = "ResourceNotFound.Function"
	case errors.Is(err, local.ErrExists):
		code = "ResourceInUse.Function"
	case errors.Is(err, local.ErrTooLarge):
		code = "InvalidParameter.RequestTooLarge"
	case errors.Is(err, local.ErrClosed):
		code = "FailedOperation.FunctionStatusError"
	}
	return &apiError{code, err.Error()}
}

// short returns a foreign text for a message.
func short(text string) string {
	if len(text) > 100 {
		return text[:100] + "…"
	}
	return text
}
