package tencent

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// A gatewayDesc is the description of an API gateway trigger
// (cloud.tencent.com/document/product/583/39901).
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
		return fail("UnsupportedOperation.Trigger", "the API gateway of the local platform does not authenticate callers: set authRequired to FALSE")
	}
	return nil
}

// describeGateway returns the description of an API gateway trigger. Its subDomain is the
// URL of the trigger here, with the stage first, as in the cloud.
func describeGateway(c *call, t local.Trigger) string {
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
