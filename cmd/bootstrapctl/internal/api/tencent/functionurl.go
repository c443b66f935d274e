package tencent

import (
	"encoding/json"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// urlGateway is the gateway of function URLs.
const urlGateway = "scf-url"

// A urlDesc is the description of a function URL
// (cloud.tencent.com/document/product/583/100227).
type urlDesc struct {
	AuthType  string
	NetConfig struct {
		EnableIntranet, EnableExtranet bool
		IntranetUrl, ExtranetUrl       string `json:",omitempty"` // in answers
	}
	CorsConfig *struct{ Enable bool } `json:",omitempty"`
}

// functionURL reads the description of a function URL. All requests below it are the
// function's.
func (p *createTriggerParams) functionURL() (t local.Trigger, err error) {
	var d urlDesc
	if err := json.Unmarshal([]byte(p.TriggerDesc), &d); err != nil {
		return t, fail("InvalidParameterValue.TriggerDesc", "the TriggerDesc is not that of a function URL: %v", err)
	}
	switch {
	case p.TriggerName == "":
		return t, missing("TriggerName")
	case d.AuthType == "CAM":
		return t, fail("UnsupportedOperation.Trigger", "function URLs of the local platform do not authenticate callers: set AuthType to NONE")
	case d.AuthType != "NONE":
		return t, fail("InvalidParameterValue.TriggerDesc", "AuthType is %q: expected NONE", short(d.AuthType))
	case !d.NetConfig.EnableIntranet && !d.NetConfig.EnableExtranet:
		return t, fail("InvalidParameterValue.TriggerDesc", "NetConfig does not enable a network: set EnableIntranet or EnableExtranet")
	case d.CorsConfig != nil && d.CorsConfig.Enable:
		return t, fail("UnsupportedOperation.Trigger", "the local platform sends no CORS headers: leave CorsConfig out")
	}
	return local.Trigger{Kind: "http", Gateway: urlGateway, Method: "ANY", Path: "$default", Integrated: true}, nil
}

// describeURL returns the description of a function URL.
func describeURL(c *call, name string) string {
	var d urlDesc
	d.AuthType, d.NetConfig.EnableIntranet, d.NetConfig.EnableExtranet = "NONE", true, true
	d.NetConfig.IntranetUrl = scheme(c) + "://" + c.Host + "/apigw/" + name + "/"
	d.NetConfig.ExtranetUrl = d.NetConfig.IntranetUrl
	return string(encode(d))
}
