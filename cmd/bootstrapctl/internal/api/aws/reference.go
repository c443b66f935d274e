package aws

import (
	"net/http"
	"regexp"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// account is the account that owns all functions.
const account = "000000000000"

// latest is the only version of a function here.
const latest = "$LATEST"

// A reference is how a request names a function.
type reference struct {
	name, qualifier string
}

// referencePattern is the pattern in AWS's model: a name, a part of an ARN, or an
// ARN, with or without the qualifier of a version.
var referencePattern = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]*:|[a-z]{2}(?:-[a-z]+)+-\d:)?(?:\d{12}:)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// parseReference reads a function's name in a request.
func parseReference(text string) (reference, error) {
	match := referencePattern.FindStringSubmatch(text)
	if match == nil || len(text) > 170 {
		return reference{}, violation(text, "functionName", "Member must satisfy regular expression pattern: %s", referencePattern)
	}
	return reference{match[1], match[2]}, nil
}

// reference returns the function that the path of a request names. The qualifier may
// be a parameter.
func (c *call) reference() (reference, error) {
	ref, err := parseReference(c.r.PathValue("name"))
	other := c.r.URL.Query().Get("Qualifier")
	switch {
	case err != nil || other == "":
		return ref, err
	case ref.qualifier != "" && ref.qualifier != other:
		return ref, invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	ref.qualifier = other
	return ref, nil
}

// function returns the function that a request names. As a function has one version
// here, every qualifier means that one.
func (c *call) function() (*local.Function, reference, error) {
	ref, err := c.reference()
	if err != nil {
		return nil, ref, err
	}
	f, err := c.cloud.Function(protocol.Lambda, ref.name)
	if err != nil {
		return nil, ref, notFound("Function not found: " + c.arn(ref))
	}
	return f, ref, nil
}

// arn returns the ARN of a function.
func (c *call) arn(ref reference) string {
	arn := "arn:aws:lambda:" + c.region + ":" + account + ":function:" + ref.name
	if ref.qualifier != "" {
		arn += ":" + ref.qualifier
	}
	return arn
}

var scopePattern = regexp.MustCompile(`Credential=[^/,\s]+/\d{8}/([a-z0-9-]+)/`)

// regionOf returns the region for which a request is signed.
func regionOf(r *http.Request) string {
	if match := scopePattern.FindStringSubmatch(r.Header.Get("Authorization")); match != nil {
		return match[1]
	}
	return "us-east-1"
}
