package tencent

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/schedule"
	"bootstrap/protocol"
)

var triggerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// cron is the description of a timer in answers, and in some clients' calls.
type cron struct {
	Cron string `json:"cron"`
}

// timer reads the description of a timer: a cron expression of seven fields, from
// seconds to years, or of five (cloud.tencent.com/document/product/583/39901).
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
