package huawei

import (
	"slices"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

const triggersPath = "/v2/p/fgs/triggers/urn:fss:cn-north-4:p:function:default:hello:latest"

// Triggers are created, listed, read and deleted.
func TestTriggers(t *testing.T) {
	a, f := newAPI(t, local.Options{})
	for _, test := range []struct {
		body string
		want local.Trigger
		data eventData
	}{
		{`{"trigger_type_code":"TIMER","event_type_code":"MessageCreated","trigger_status":"ACTIVE","event_data":{"name":"Timer-tps7","schedule_type":"Rate","schedule":"3m","user_event":""}}`,
			local.Trigger{Kind: "timer", Name: "Timer-tps7", Enabled: true, Cron: "3m"},
			eventData{Name: "Timer-tps7", ScheduleType: "Rate", Schedule: "3m"}},
		{`{"trigger_type_code":"TIMER","trigger_status":"DISABLED","event_data":{"name":"nightly","schedule_type":"Cron","schedule":"0 15 2 * * ?","user_event":"go"}}`,
			local.Trigger{Kind: "timer", Name: "nightly", Cron: "0 15 2 * * ?", Argument: "go"},
			eventData{Name: "nightly", ScheduleType: "Cron", Schedule: "0 15 2 * * ?", UserEvent: "go"}},
		{`{"trigger_type_code":"APIG","event_data":{"name":"API_hello","type":1,"path":"/hello","protocol":"HTTPS","req_method":"GET","group_id":"g","match_mode":"SWA","env_name":"TEST","env_id":"e","auth":"NONE","func_info":{"timeout":5000}}}`,
			local.Trigger{Kind: "http", Name: "API_hello", Enabled: true, Gateway: "functiongraph", Method: "GET", Path: "/hello", Integrated: true, Base64: true, Stage: "TEST"},
			eventData{Name: "API_hello", Path: "/hello", Method: "GET", Stage: "TEST", Protocol: "HTTP", InvokeURL: "http://example.com/apigw/hello/hello"}},
		{`{"trigger_type_code":"APIG","event_data":{}}`,
			local.Trigger{Kind: "http", Name: "hello", Enabled: true, Gateway: "functiongraph", Method: "ANY", Path: "/hello", Integrated: true, Base64: true, Stage: "RELEASE"},
			eventData{Name: "hello", Path: "/hello", Method: "ANY", Stage: "RELEASE", Protocol: "HTTP", InvokeURL: "http://example.com/apigw/hello/hello"}},
	} {
		var created, read trigger
		a.get(t, 201, &created, "POST", triggersPath, test.body)
		path := triggersPath + "/" + created.Type + "/" + created.ID
		a.get(t, 200, &read, "GET", path, "")
		if created != read || read.Data != test.data || len(read.ID) != 36 || (read.Status == "ACTIVE") != test.want.Enabled {
			t.Errorf("%s:\ncreated %+v\nread    %+v", test.body, created, read)
		}
		var list []trigger
		if a.get(t, 200, &list, "GET", triggersPath, ""); len(list) != 1 || list[0] != read {
			t.Errorf("%s: the list is %+v", test.body, list)
		}
		if all := f.Describe().Triggers; !slices.Equal(all, []local.Trigger{test.want}) {
			t.Errorf("got  %+v\nwant %+v", all, test.want)
		}
		a.refused(t, errTriggerExists, test.want.Name, "POST", triggersPath, test.body)
		a.refused(t, errNoTrigger, "KAFKA", "GET", triggersPath+"/KAFKA/"+created.ID, "")
		if r := a.call(t, "DELETE", path, ""); r.StatusCode != 204 {
			t.Errorf("%s: deleted with the status %d", test.body, r.StatusCode)
		}
		a.refused(t, errNoTrigger, created.ID, "DELETE", path, "")
	}
	if r := a.call(t, "GET", triggersPath, ""); bodyOf(t, r) != "[]\n" {
		t.Error("triggers are left")
	}
}

func TestTriggersRefused(t *testing.T) {
	a, f := newAPI(t, local.Options{})
	for body, want := range map[string]*failure{
		`{"trigger_type_code":"KAFKA","event_data":{}}`: errTriggerType,
		`{"event_data":{}}`:                             errTriggerType,
		`{"trigger_type_code":"TIMER","event_data":{}}`: errTimer,
		`{"trigger_type_code":"TIMER","event_data":{"schedule_type":"Rate","schedule":"0 15 2 * * ?"}}`:             errTimer,
		`{"trigger_type_code":"TIMER","event_data":{"schedule_type":"Cron","schedule":"3m"}}`:                       errTimer,
		`{"trigger_type_code":"TIMER","event_data":{"schedule_type":"Rate","schedule":"61m"}}`:                      errTimer,
		`{"trigger_type_code":"TIMER","event_data":{"schedule_type":"Cron","schedule":"often"}}`:                    errTimer,
		`{"trigger_type_code":"TIMER","trigger_status":"ON","event_data":{"schedule_type":"Rate","schedule":"3m"}}`: errParameter,
		`{"trigger_type_code":"APIG","event_data":{"path":"hello"}}`:                                                errGateway,
		`{"trigger_type_code":1}`: errParameter,
		`{`:                       errNotJSON,
	} {
		a.refused(t, want, "", "POST", triggersPath, body)
	}
	a.refused(t, errNoFunction, "", "GET", strings.Replace(triggersPath, "hello", "missing", 1), "")
	if all := f.Describe().Triggers; len(all) != 0 {
		t.Errorf("there are triggers: %+v", all)
	}
}
