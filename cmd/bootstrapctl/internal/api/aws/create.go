package aws

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// A packageInput is the code in a request to create or to change a function.
type packageInput struct {
	ZipFile       []byte // JSON has it in base64
	S3Bucket      string
	ImageUri      string
	Architectures []string
	Publish       bool
	DryRun        bool
}

// settingsInput are the settings in a request to create or to change a function. Those
// that are nil do not change.
type settingsInput struct {
	echoed
	Description *string
	Environment *environment
	Handler     *string
	Layers      []string
	MemorySize  *int
	Runtime     *string
	Timeout     *int
	SnapStart   struct{ ApplyOn string }
}

type createInput struct {
	settingsInput
	FunctionName  string
	Code          packageInput
	Architectures []string
	PackageType   string
	Publish       bool
	Tags          map[string]string
}

// createFunction creates a function from a zip in the request.
func (c *call) createFunction() (reply, error) {
	var in createInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	in.Code.Architectures, in.Code.Publish = in.Architectures, in.Publish
	ref, err := in.check()
	if err != nil {
		return reply{}, err
	}
	s := local.Settings{Name: ref.name, Platform: protocol.Lambda}
	in.apply(&s)
	f, err := c.cloud.Create(s, local.Code{Zip: in.Code.ZipFile})
	if errors.Is(err, local.ErrExists) {
		return reply{}, conflict("Function already exist: " + ref.name)
	}
	if err != nil {
		return reply{}, err
	}
	c.note(f, func(n *notes) { n.echoed, n.tags = in.echoed, in.Tags })
	return reply{http.StatusCreated, c.describe(f, ref)}, nil
}

var rolePattern = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

// check returns a failure for a function that Lambda, or this platform, refuses.
func (in *createInput) check() (reference, error) {
	ref, err := parseReference(in.FunctionName)
	switch {
	case err != nil:
		return ref, err
	case ref.qualifier != "":
		return ref, invalid("a new function has no qualifier: expected a name, got %q", in.FunctionName)
	case in.PackageType == "Image":
		return ref, invalid("the local platform runs no images: expected PackageType Zip")
	case in.Runtime == nil || in.Handler == nil:
		return ref, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case !rolePattern.MatchString(in.Role):
		return ref, violation(in.Role, "role", "Member must satisfy regular expression pattern: %s", rolePattern)
	}
	if err := in.settingsInput.check(); err != nil {
		return ref, err
	}
	return ref, in.Code.check()
}

// check returns a failure for code that Lambda, or this platform, refuses.
func (in *packageInput) check() error {
	switch {
	case in.ImageUri != "":
		return invalid("the local platform runs no images: send a zip as ZipFile")
	case in.S3Bucket != "":
		return invalid("the local platform has no S3: send the zip as ZipFile")
	case len(in.ZipFile) == 0:
		return invalid("Uploaded file must be a non-empty zip")
	case in.Publish:
		return invalid("the local platform has no versions except %s: set Publish to false", latest)
	case len(in.Architectures) > 0 && !slices.Equal(in.Architectures, []string{architecture()}):
		return invalid("this machine runs %s only: expected Architectures [%q], got %q", architecture(), architecture(), in.Architectures)
	}
	return nil
}

// customRuntimes are the runtimes that run a bootstrap.
var customRuntimes = []string{"provided.al2023", "provided.al2", "provided"}

// check returns a failure for settings that Lambda, or this platform, refuses. The
// cloud checks the others.
func (in *settingsInput) check() error {
	limits := local.LimitsOf(protocol.Lambda)
	switch {
	case in.Runtime != nil && !slices.Contains(customRuntimes, *in.Runtime):
		return invalid("the local platform runs custom runtimes only: expected %s, got %q", strings.Join(customRuntimes, ", "), *in.Runtime)
	case len(in.Layers) > 0:
		return invalid("the local platform has no layers: put their files into the zip")
	case in.SnapStart.ApplyOn == "PublishedVersions":
		return invalid("%s is not supported for SnapStart enabled functions", customRuntimes[0])
	}
	if err := checkRange("timeout", in.Timeout, 1, limits.Timeout); err != nil {
		return err
	}
	if err := checkRange("memorySize", in.MemorySize, limits.MemoryMin, limits.MemoryMax); err != nil {
		return err
	}
	if in.Environment == nil {
		return nil
	}
	return checkVariables(in.Environment)
}

// checkRange returns a failure for a number outside of its range.
func checkRange(field string, n *int, from, to int) error {
	switch {
	case n == nil:
		return nil
	case *n < from:
		return violation(*n, field, "Member must have value greater than or equal to %d", from)
	case *n > to:
		return violation(*n, field, "Member must have value less than or equal to %d", to)
	}
	return nil
}

var variablePattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// checkVariables returns a failure for names that Lambda refuses.
func checkVariables(e *environment) error {
	var reserved []string
	for _, name := range slices.Sorted(maps.Keys(e.Variables)) {
		switch {
		case doctor.Reserves(protocol.Lambda, name):
			reserved = append(reserved, name)
		case !variablePattern.MatchString(name):
			return violation(name, "environment.variables", "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: %s]", variablePattern)
		}
	}
	if reserved == nil {
		return nil
	}
	return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
}

// apply changes settings.
func (in *settingsInput) apply(s *local.Settings) {
	set(&s.Handler, in.Handler)
	set(&s.Description, in.Description)
	set(&s.Runtime, in.Runtime)
	set(&s.MemoryMB, in.MemorySize)
	if in.Timeout != nil {
		s.Timeout = time.Duration(*in.Timeout) * time.Second
	}
	if in.Environment != nil {
		s.Env = in.Environment.list()
	}
}

// set changes a value, unless the new one is nil.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
