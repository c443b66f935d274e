package tencent

import (
	"cmp"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/schedule"
	"bootstrap/protocol"
)

// The descriptions of timers and API gateways are those of cloud.tencent.com/document/product/583/39901.

// trigger returns the trigger that a call creates.
func (p *createTriggerParams) trigger() (t local.Trigger, err error) {
	switch p.Type {
	case "":
		return t, missing("Type")
	case "timer":
		t, err = p.timer()
	case "apigw":
		t, err = p.gateway()
	case "http":
		t, err = p.functionURL()
	case "cos", "cmq", "ckafka", "cls", "mps", "clb", "mqtt":
		return t, fail("UnsupportedOperation.Trigger", "the local platform has no triggers of the type %s: expected timer, apigw or http", p.Type)
	default:
		return t, fail("InvalidParameterValue.Type", "the Type is %q: expected timer, apigw or http", short(p.Type))
	}
	if err != nil {
		return t, err
	}
	t.Name = p.TriggerName
	t.Enabled, err = isOpen(p.Enable)
	return t, err
}

// isOpen reports whether a trigger is enabled, which is the default.
func isOpen(enable string) (bool, error) {
	if enable != "" && enable != "OPEN" && enable != "CLOSE" {
		return false, fail("InvalidParameterValue.Enable", "Enable is %q: expected OPEN or CLOSE", short(enable))
	}
	return enable != "CLOSE", nil
}

var triggerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// cron is the description of a timer in answers, and in some clients' calls.
type cron struct {
	Cron string `json:"cron"`
}

// timer reads the description of a timer: a cron expression of seven fields, from
// seconds to years, or of five.
func (p *createTriggerParams) timer() (t local.Trigger, err error) {
	if !triggerName.MatchString(p.TriggerName) {
		return t, fail("InvalidParameterValue.TriggerName", "the TriggerName is %q: expected 1 to 100 letters, digits, - and _", short(p.TriggerName))
	}
	expression := p.TriggerDesc
	var object cron
	if json.Unmarshal([]byte(p.TriggerDesc), &object) == nil {
		expression = object.Cron
	}
	expression = strings.Join(strings.Fields(expression), " ")
	switch _, err := schedule.Parse(protocol.SCF.Name, expression); {
	case errors.Is(err, schedule.ErrUnsupported):
		return t, fail("UnsupportedOperation.Trigger", "%v", err)
	case err != nil:
		return t, fail("InvalidParameterValue.TriggerDesc", "%v; an example is 0 */5 * * * * *", err)
	}
	return local.Trigger{Kind: "timer", Cron: expression, Argument: p.CustomArgument}, nil
}

// A gatewayDesc is the description of an API gateway trigger.
type gatewayDesc struct {
	API struct {
		AuthRequired         string `json:"authRequired"`
		IsIntegratedResponse string `json:"isIntegratedResponse"`
		IsBase64Encoded      string `json:"isBase64Encoded"`
		RequestConfig        struct {
			Method string `json:"method"`
			Path   string `json:"path"`
		} `json:"requestConfig"`
	} `json:"api"`
	Service struct {
		ID        string `json:"serviceId"`
		Name      string `json:"serviceName"`
		SubDomain string `json:"subDomain"`
	} `json:"service"`
	Release struct {
		Environment string `json:"environmentName"`
	} `json:"release"`
}

// defaultGateway has the values that a description may lack, but not the path.
func defaultGateway() gatewayDesc {
	var d gatewayDesc
	d.API.AuthRequired, d.API.IsIntegratedResponse, d.API.IsBase64Encoded = "FALSE", "FALSE", "FALSE"
	d.API.RequestConfig.Method = "ANY"
	d.Service.Name, d.Release.Environment = "SCF_API_SERVICE", "release"
	return d
}

// gateway reads the description of an API gateway trigger.
func (p *createTriggerParams) gateway() (t local.Trigger, err error) {
	d := defaultGateway()
	if p.TriggerDesc != "" {
		if err := json.Unmarshal([]byte(p.TriggerDesc), &d); err != nil {
			return t, fail("InvalidParameterValue.TriggerDesc", "the TriggerDesc is not that of an API gateway: %v", err)
		}
	}
	if err := d.check(); err != nil {
		return t, err
	}
	return local.Trigger{
		Kind: "http", Gateway: "scf", Method: d.API.RequestConfig.Method, Path: cmp.Or(d.API.RequestConfig.Path, "/"+p.FunctionName), Stage: d.Release.Environment,
		Integrated: d.API.IsIntegratedResponse == "TRUE", Base64: d.API.IsBase64Encoded == "TRUE",
	}, nil
}

// check checks the values of a description.
func (d gatewayDesc) check() error {
	flags := []string{"TRUE", "FALSE"}
	for _, value := range []struct {
		name, value string
		expected    []string
	}{
		{"api.authRequired", d.API.AuthRequired, flags},
		{"api.isIntegratedResponse", d.API.IsIntegratedResponse, flags},
		{"api.isBase64Encoded", d.API.IsBase64Encoded, flags},
		{"api.requestConfig.method", d.API.RequestConfig.Method, []string{"ANY", "GET", "HEAD", "POST", "PUT", "DELETE"}},
		{"release.environmentName", d.Release.Environment, []string{"release", "test", "prepub"}},
	} {
		if !slices.Contains(value.expected, value.value) {
			return fail("InvalidParameterValue.TriggerDesc", "%s is %q: expected one of %s", value.name, short(value.value), strings.Join(value.expected, ", "))
		}
	}
	if at := d.API.RequestConfig.Path; at != "" && at[0] != '/' {
		return fail("InvalidParameterValue.TriggerDesc", "api.requestConfig.path is %q: expected a path that begins with /", short(at))
	}
	if d.API.AuthRequired == "TRUE" {
		return fail("UnsupportedOperation.Trigger", "the API gateway of the local platform does not know who calls: set authRequired to FALSE")
	}
	return nil
}

// describe returns the description of a trigger. Its subDomain is the URL of the trigger
// here, with the stage first, as in the cloud.
func describe(c *call, function string, t local.Trigger) string {
	switch typeOf(t) {
	case "timer":
		return string(encode(cron{t.Cron}))
	case "http":
		return describeURL(c, function)
	}
	d := defaultGateway()
	d.API.RequestConfig.Path, d.Service.ID, d.Release.Environment = t.Path, "service-local", t.Stage
	d.Service.SubDomain = scheme(c) + "://" + c.Host + path.Join("/", t.Stage, t.Path)
	if t.Method != "" {
		d.API.RequestConfig.Method = t.Method
	}
	if t.Integrated {
		d.API.IsIntegratedResponse = "TRUE"
	}
	if t.Base64 {
		d.API.IsBase64Encoded = "TRUE"
	}
	return string(encode(d))
}

func scheme(c *call) string {
	if c.TLS != nil {
		return "https"
	}
	return "http"
}
