package aws

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// urlTrigger names the trigger of a function URL, also of one in a deploy file.
const urlTrigger = "function-url"

type urlInput struct {
	AuthType   string
	InvokeMode string
	Cors       json.RawMessage
}

// check returns a failure for a URL that this platform does not have.
func (in *urlInput) check() error {
	switch {
	case in.AuthType == "AWS_IAM":
		return invalid("the local platform does not authenticate callers of a function URL: set AuthType to NONE")
	case in.AuthType != "NONE" && in.AuthType != "":
		return violation(in.AuthType, "authType", "Member must satisfy enum value set: [NONE, AWS_IAM]")
	case in.InvokeMode != "BUFFERED" && in.InvokeMode != "":
		return invalid("the local platform does not stream: set InvokeMode to BUFFERED")
	case len(in.Cors) > 0 && string(in.Cors) != "null" && string(in.Cors) != "{}":
		return invalid("the local platform sends no CORS headers: leave out Cors")
	}
	return nil
}

// createURL gives a function a URL.
func (c *call) createURL() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	in := urlInput{AuthType: "?"} // it must be in the request
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := in.check(); err != nil {
		return reply{}, err
	}
	taken := false
	err = f.Configure(func(s *local.Settings) {
		if taken = hasURL(s); !taken {
			s.Triggers = append(slices.Clone(s.Triggers), local.Trigger{Kind: "http", Name: urlTrigger, Enabled: true,
				Gateway: "aws-v2", Method: "ANY", Path: "$default", Stage: "$default", Integrated: true})
		}
	})
	switch {
	case err != nil:
		return reply{}, err
	case taken:
		return reply{}, conflict("Failed to create function url config for [functionArn = " + c.arn(ref) + "]. Error message:  FunctionUrlConfig exists for this Lambda function")
	}
	c.note(f, func(n *notes) { n.urlCreated, n.urlChanged = c.now(), c.now() })
	return reply{http.StatusCreated, c.urlOf(f, ref)}, nil
}

func hasURL(s *local.Settings) bool {
	return slices.ContainsFunc(s.Triggers, isURL)
}

func isURL(t local.Trigger) bool { return t.Name == urlTrigger }

// urlOf describes the URL of a function. A deploy file creates the URL with its function.
func (c *call) urlOf(f *local.Function, ref reference) object {
	n := c.notesOf(f)
	if n.urlCreated.IsZero() {
		n.urlCreated = f.Describe().Created
	}
	if n.urlChanged.IsZero() {
		n.urlChanged = n.urlCreated
	}
	return object{
		"FunctionUrl":      c.link("/apigw/"+f.Name()+"/", ""),
		"FunctionArn":      c.arn(ref),
		"AuthType":         "NONE",
		"InvokeMode":       "BUFFERED",
		"CreationTime":     n.urlCreated.UTC().Format(time.RFC3339Nano),
		"LastModifiedTime": n.urlChanged.UTC().Format(time.RFC3339Nano),
	}
}

// withURL returns the function that a request names, which must have a URL.
func (c *call) withURL() (*local.Function, reference, error) {
	f, ref, err := c.function()
	if err != nil {
		return nil, ref, err
	}
	if s := f.Describe().Settings; !hasURL(&s) {
		return nil, ref, notFound("The resource you requested does not exist.")
	}
	return f, ref, nil
}

func (c *call) getURL() (reply, error) {
	f, ref, err := c.withURL()
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusOK, c.urlOf(f, ref)}, nil
}

// updateURL checks a change and records its time: the local platform cannot change
// anything else of a URL.
func (c *call) updateURL() (reply, error) {
	f, ref, err := c.withURL()
	if err != nil {
		return reply{}, err
	}
	var in urlInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := in.check(); err != nil {
		return reply{}, err
	}
	c.note(f, func(n *notes) { n.urlChanged = c.now() })
	return reply{http.StatusOK, c.urlOf(f, ref)}, nil
}

func (c *call) deleteURL() (reply, error) {
	f, _, err := c.withURL()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, f.Configure(func(s *local.Settings) {
		s.Triggers = slices.DeleteFunc(slices.Clone(s.Triggers), isURL)
	})
}

func (c *call) listURLs() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	if s := f.Describe().Settings; hasURL(&s) {
		list = append(list, c.urlOf(f, ref))
	}
	return reply{http.StatusOK, object{"FunctionUrlConfigs": list, "NextMarker": nil}}, nil
}
