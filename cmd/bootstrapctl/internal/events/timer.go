package events

import (
	"encoding/json"
	"time"
)

// Timer returns the event of a timer that fires at a time. The argument is the
// message that the owner of the timer has set.
func Timer(platform, name, argument string, at time.Time) []byte {
	var event any
	switch platform {
	case "scf":
		event = struct{ Type, TriggerName, Time, Message string }{"Timer", name, at.UTC().Format(time.RFC3339), argument}
	case "functiongraph":
		event = map[string]string{
			"version": "v1.0", "time": at.In(china).Format(time.RFC3339), "trigger_type": "TIMER", "trigger_name": name, "user_event": argument,
		}
	default:
		if json.Valid([]byte(argument)) { // the input of the rule takes the place of the event
			return []byte(argument)
		}
		event = map[string]any{
			"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event", "source": "aws.events",
			"account": "000000000000", "time": at.UTC().Format(time.RFC3339), "region": "local",
			"resources": []string{"arn:aws:events:local:000000000000:rule/" + name}, "detail": map[string]string{},
		}
	}
	text, _ := json.Marshal(event) // texts: never fails
	return text
}

// china is the time zone of FunctionGraph's events.
var china = time.FixedZone("", 8*60*60)
