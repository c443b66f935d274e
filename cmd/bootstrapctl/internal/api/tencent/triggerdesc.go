package tencent

import "bootstrap/cmd/bootstrapctl/internal/local"

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

// describe returns the description of a trigger.
func describe(c *call, function string, t local.Trigger) string {
	switch typeOf(t) {
	case "timer":
		return string(encode(cron{t.Cron}))
	case "http":
		return describeURL(c, function)
	}
	return describeGateway(c, t)
}

func scheme(c *call) string {
	if c.TLS != nil {
		return "https"
	}
	return "http"
}
