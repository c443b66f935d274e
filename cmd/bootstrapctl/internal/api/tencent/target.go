package tencent

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// namespace is the only namespace, and latest the only version.
const (
	namespace = "default"
	latest    = "$LATEST"
)

// A target is the function that a call is about.
type target struct{ FunctionName, Namespace string }

// A qualified is a version of a function.
type qualified struct {
	target
	Qualifier string
}

// function returns the function that a call is about.
func (s *server) function(t target) (*local.Function, error) {
	if t.FunctionName == "" {
		return nil, missing("FunctionName")
	}
	if err := checkNamespace(t.Namespace); err != nil {
		return nil, err
	}
	f, err := s.cloud.Function(protocol.SCF, t.FunctionName)
	if errors.Is(err, local.ErrNotFound) {
		return nil, fail("ResourceNotFound.Function", "Function [%s] is not found.", short(t.FunctionName))
	}
	return f, err
}

// version returns the function of which a call is about a version.
func (s *server) version(q qualified) (*local.Function, error) {
	f, err := s.function(q.target)
	if err == nil && !slices.Contains([]string{"", latest, "$DEFAULT"}, q.Qualifier) {
		return nil, fail("ResourceNotFound.Qualifier", "the version %q does not exist: the local platform has only %s, also as the alias $DEFAULT", short(q.Qualifier), latest)
	}
	return f, err
}

func checkNamespace(name string) error {
	if name != "" && name != namespace {
		return fail("ResourceNotFound.Namespace", "the namespace %q does not exist: the local platform has only %s", short(name), namespace)
	}
	return nil
}

func missing(parameter string) error {
	return fail("MissingParameter", "The request is missing a required parameter `%s`.", parameter)
}

// china is the time zone of the dates in the API.
var china = time.FixedZone("", 8*60*60)

// date writes a time as the API does.
func date(t time.Time) string { return t.In(china).Format(time.DateTime) }

// parseDate reads a date of the API.
func parseDate(text string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateTime, text, china)
	if err != nil {
		return t, fail("InvalidParameterValue.DateTime", "the date is %q: expected one such as %s", short(text), time.DateTime)
	}
	return t, nil
}

// functionID returns the identifier of a function. Functions of the same name have
// different ones.
func functionID(d local.Description) string {
	sum := sha256.Sum256(fmt.Append(nil, d.Name, d.Created.UnixNano()))
	return "lam-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}
