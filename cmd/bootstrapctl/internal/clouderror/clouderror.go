// Package clouderror holds a table of the errors that the platforms themselves
// report when an invocation has no result. Each row says how much is known
// about it.
package clouderror

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// A Cause is the reason why an invocation has no result.
type Cause string

const (
	NoBootstrap    Cause = "the package has no bootstrap at its top"
	NotExecutable  Cause = "bootstrap is not executable"
	NoSuchFile     Cause = "the interpreter or the loader of bootstrap does not exist"
	ExecFormat     Cause = "bootstrap is not a program for the platform"
	InitFailed     Cause = "the runtime exits before it is ready"
	InitTimedOut   Cause = "the runtime is not ready in time"
	Failed         Cause = "the function fails"
	TimedOut       Cause = "the function exceeds its time limit"
	OutOfMemory    Cause = "the function exceeds its memory limit"
	Exited         Cause = "the runtime exits during an event"
	ResultTooLarge Cause = "the result is too large"
	EventTooLarge  Cause = "the event is too large"
	NotJSON        Cause = "the event is not JSON"
	Throttled      Cause = "all instances are busy"
)

// A Confidence says how much is known about a row.
type Confidence string

const (
	Documented Confidence = "documented" // by the vendor, or in its source
	Reported   Confidence = "reported"   // by users, with this text
	Assumed    Confidence = "assumed"    // nothing is known, so this is our choice
)

// An Error is a row of the table: the error that a platform reports for a
// cause.
type Error struct {
	Platform   string // by its name, such as "scf"
	Cause      Cause
	Code       string // SCF: the status; FunctionGraph: the number; Lambda: the type
	Text       string // with placeholders, see Fill
	Confidence Confidence
}

// Of returns the row for a cause on a platform, or a zero Error if there is no
// such row.
func Of(platform string, cause Cause) Error {
	i := slices.IndexFunc(table, func(e Error) bool { return e.Platform == platform && e.Cause == cause })
	if i < 0 {
		return Error{}
	}
	return table[i]
}

// Table returns all rows.
func Table() []Error { return slices.Clone(table) }

// Fill replaces placeholders such as {seconds} in the text. Values are pairs of a name
// and a text.
func (e Error) Fill(values ...string) Error {
	var pairs []string
	for i := 0; i < len(values); i += 2 {
		pairs = append(pairs, "{"+values[i]+"}", values[i+1])
	}
	e.Text = strings.NewReplacer(pairs...).Replace(e.Text)
	return e
}

// String returns the error in the form that the console of its platform shows.
func (e Error) String() string {
	switch e.Platform {
	case "scf":
		return string(e.Body(""))
	case "functiongraph":
		return "FSS." + e.Code + ": " + e.Text
	}
	return e.Code + ": " + e.Text
}

// Body returns the response body with the error, for the event with that
// request id.
func (e Error) Body(id string) []byte {
	switch e.Platform {
	case "scf":
		status, _ := strconv.Atoi(e.Code) // a test checks all rows
		code := -1
		if e.Cause == Failed {
			code = 1
		}
		return encode(scfError{code, e.Text, id, status})
	case "functiongraph":
		return []byte(e.Text)
	}
	prefix := ""
	if id != "" && e.Cause != ResultTooLarge {
		prefix = "RequestId: " + id + " Error: "
	}
	return encode(lambdaError{cmp.Or(e.Code, "Unhandled"), prefix + e.Text})
}

type scfError struct {
	Code    int    `json:"errorCode"`
	Message string `json:"errorMessage"`
	ID      string `json:"requestId,omitempty"`
	Status  int    `json:"statusCode"`
}

type lambdaError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// encode returns JSON in which the characters < > & are not escaped.
func encode(v any) []byte {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // strings and numbers: never fails
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
