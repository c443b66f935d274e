package tencent

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// create adds a trigger to "hello" and returns what the answer says about it.
func (a *api) createTrigger(name, kind, desc string, others object) triggerInfo {
	a.Helper()
	params := object{"FunctionName": "hello", "TriggerName": name, "Type": kind, "TriggerDesc": desc}
	for name, value := range others {
		params[name] = value
	}
	var answer struct{ TriggerInfo triggerInfo }
	a.call("CreateTrigger", params, &answer)
	return answer.TriggerInfo
}

// Triggers become settings of the function, and their descriptions are the vendor's.
func TestTriggers(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	timer := a.createTrigger("every-minute", "timer", "0 */1 * * * * *", object{"CustomArgument": `{"x":1}`, "Enable": "CLOSE", "Qualifier": "$DEFAULT"})
	if timer.TriggerDesc != `{"cron":"0 */1 * * * * *"}` || timer.Enable != 0 || timer.CustomArgument != `{"x":1}` || timer.AvailableStatus != "Available" {
		t.Errorf("got %+v", timer)
	}
	a.createTrigger("json", "timer", `{"cron":"0 0 2 1 *"}`, nil)
	gateway := a.createTrigger("SCF_API_SERVICE", "apigw", `{"api":{"authRequired":"FALSE","requestConfig":{"method":"POST"},"isIntegratedResponse":"TRUE"},"service":{"serviceName":"SCF_API_SERVICE"},"release":{"environmentName":"test"}}`, nil)
	var desc gatewayDesc
	if err := json.Unmarshal([]byte(gateway.TriggerDesc), &desc); err != nil || desc.Service.SubDomain != "http://127.0.0.1:9000/test/hello" || desc.API.RequestConfig.Method != "POST" || desc.API.IsIntegratedResponse != "TRUE" {
		t.Errorf("got %s, %v", gateway.TriggerDesc, err)
	}
	a.createTrigger("plain", "apigw", "", nil)
	url := a.createTrigger("url", "http", `{"AuthType":"NONE","NetConfig":{"EnableIntranet":false,"EnableExtranet":true},"CorsConfig":{"Enable":false}}`, nil)
	if want := `"ExtranetUrl":"http://127.0.0.1:9000/apigw/hello/"`; !strings.Contains(url.TriggerDesc, want) || url.Type != "http" {
		t.Errorf("got %+v", url)
	}

	got := a.cloud.Functions(nil)[0].Describe().Triggers
	want := []local.Trigger{
		{Kind: "timer", Name: "every-minute", Cron: "0 */1 * * * * *", Argument: `{"x":1}`},
		{Kind: "timer", Name: "json", Enabled: true, Cron: "0 0 2 1 *"},
		{Kind: "http", Name: "SCF_API_SERVICE", Enabled: true, Gateway: "scf", Method: "POST", Path: "/hello", Integrated: true, Stage: "test"},
		{Kind: "http", Name: "plain", Enabled: true, Gateway: "scf", Method: "ANY", Path: "/hello", Stage: "release"},
		{Kind: "http", Name: "url", Enabled: true, Gateway: "scf-url", Method: "ANY", Path: "$default", Integrated: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	var f goSDK
	a.call("GetFunction", object{"FunctionName": "hello"}, &f)
	if len(f.Triggers) != 5 || *f.Triggers[1].Enable != 1 || *f.Triggers[3].Type != "apigw" {
		t.Errorf("GetFunction shows %d triggers", len(f.Triggers))
	}
}

// triggers returns the names of the triggers of "hello".
func (a *api) triggers(params object) (names []string, total uint64) {
	a.Helper()
	params["FunctionName"] = "hello"
	var answer struct {
		TotalCount uint64
		Triggers   []*goTrigger
	}
	a.call("ListTriggers", params, &answer)
	for _, t := range answer.Triggers {
		names = append(names, *t.TriggerName)
	}
	return names, answer.TotalCount
}

func TestListTriggers(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	if names, total := a.triggers(object{}); total != 0 || names != nil {
		t.Errorf("got %v of %d", names, total)
	}
	for _, name := range []string{"one", "two", "three"} {
		a.createTrigger(name, "timer", "0 0 2 1 * * *", nil)
	}
	for _, test := range []struct {
		params object
		want   []string
	}{
		{object{}, []string{"three", "two", "one"}},
		{object{"Order": "ASC", "OrderBy": "add_time"}, []string{"one", "two", "three"}},
		{object{"Offset": 1, "Limit": 1}, []string{"two"}},
	} {
		if names, total := a.triggers(test.params); total != 3 || !slices.Equal(names, test.want) {
			t.Errorf("%v: got %v of %d, want %v of 3", test.params, names, total, test.want)
		}
	}
	a.refuses("ListTriggers", object{"FunctionName": "hello", "Filters": []object{{"Name": "Qualifier"}}}, "UnsupportedOperation", "Filters")

	a.call("DeleteTrigger", object{"FunctionName": "hello", "TriggerName": "two", "Type": "timer"}, nil)
	if names, _ := a.triggers(object{}); !slices.Equal(names, []string{"three", "one"}) {
		t.Errorf("after two was deleted: %v", names)
	}
	a.refuses("DeleteTrigger", object{"FunctionName": "hello", "TriggerName": "two", "Type": "timer"}, "ResourceNotFound.Trigger", "two")
	a.refuses("DeleteTrigger", object{"FunctionName": "hello", "TriggerName": "one", "Type": "apigw"}, "ResourceNotFound.Trigger", "apigw")
}

func TestTriggersRefused(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	a.createTrigger("one", "timer", "0 0 2 1 * * *", nil)
	const url = `{"AuthType":"NONE","NetConfig":{"EnableExtranet":true}}`
	a.createTrigger("url", "http", url, nil)
	for _, test := range []struct {
		name, kind, desc string
		others           object
		code, part       string
	}{
		{"one", "timer", "0 0 2 1 * * *", nil, "ResourceInUse.TriggerName", "one"},
		{"", "timer", "0 0 2 1 * * *", nil, "InvalidParameterValue.TriggerName", ""},
		{"a b", "timer", "0 0 2 1 * * *", nil, "InvalidParameterValue.TriggerName", "a b"},
		{strings.Repeat("a", 101), "timer", "0 0 2 1 * * *", nil, "InvalidParameterValue.TriggerName", "100"},
		{"two", "timer", "0 0 2 1 * *", nil, "InvalidParameterValue.TriggerDesc", "seven fields"},
		{"two", "timer", "0 0 2 L * * *", nil, "UnsupportedOperation.Trigger", "not supported here"},
		{"two", "timer", "0 0 25 1 * * *", nil, "InvalidParameterValue.TriggerDesc", "25"},
		{"two", "timer", "0 0 2 1 * * $", nil, "InvalidParameterValue.TriggerDesc", "$"},
		{"two", "timer", "", nil, "InvalidParameterValue.TriggerDesc", ""},
		{"two", "timer", "0 0 2 1 * * *", object{"Enable": "YES"}, "InvalidParameterValue.Enable", "OPEN"},
		{"two", "timer", "0 0 2 1 * * *", object{"Qualifier": "2"}, "ResourceNotFound.Qualifier", "2"},
		{"two", "", "", nil, "MissingParameter", "Type"},
		{"two", "http", url, nil, "ResourceInUse.Trigger", "URL"},
		{"", "http", url, nil, "MissingParameter", "TriggerName"},
		{"two", "http", "", nil, "InvalidParameterValue.TriggerDesc", ""},
		{"two", "http", `{"AuthType":"CAM"}`, nil, "UnsupportedOperation.Trigger", "NONE"},
		{"two", "http", `{"AuthType":"X"}`, nil, "InvalidParameterValue.TriggerDesc", "NONE"},
		{"two", "http", `{"AuthType":"NONE","EnableExtranet":true}`, nil, "InvalidParameterValue.TriggerDesc", "NetConfig"},
		{"two", "http", `{"AuthType":"NONE","NetConfig":{"EnableExtranet":true},"CorsConfig":{"Enable":true}}`, nil, "UnsupportedOperation.Trigger", "CorsConfig"},
		{"two", "cos", "", nil, "UnsupportedOperation.Trigger", "cos"},
		{"two", "nonsense", "", nil, "InvalidParameterValue.Type", "nonsense"},
		{"two", "apigw", "{", nil, "InvalidParameterValue.TriggerDesc", ""},
		{"two", "apigw", `{"api":{"requestConfig":{"method":"PATCH"}}}`, nil, "InvalidParameterValue.TriggerDesc", "PATCH"},
		{"two", "apigw", `{"api":{"requestConfig":{"path":"x"}}}`, nil, "InvalidParameterValue.TriggerDesc", "path"},
		{"two", "apigw", `{"api":{"isIntegratedResponse":"YES"}}`, nil, "InvalidParameterValue.TriggerDesc", "isIntegratedResponse"},
		{"two", "apigw", `{"api":{"isIntegratedResponse":true}}`, nil, "InvalidParameterValue.TriggerDesc", ""},
		{"two", "apigw", `{"release":{"environmentName":"x"}}`, nil, "InvalidParameterValue.TriggerDesc", "prepub"},
		{"two", "apigw", `{"api":{"authRequired":"TRUE"}}`, nil, "UnsupportedOperation.Trigger", "authRequired"},
	} {
		params := object{"FunctionName": "hello", "TriggerName": test.name, "Type": test.kind, "TriggerDesc": test.desc}
		for name, value := range test.others {
			params[name] = value
		}
		a.refuses("CreateTrigger", params, test.code, test.part)
	}
	if names, _ := a.triggers(object{}); !slices.Equal(names, []string{"url", "one"}) {
		t.Errorf("there are the triggers %v", names)
	}
}

// Callers who add triggers at the same time get all of them.
func TestConcurrentTriggers(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			params := object{"FunctionName": "hello", "TriggerName": fmt.Sprint("timer", n%10), "Type": "timer", "TriggerDesc": "0 0 2 1 * * *"}
			a.handler.ServeHTTP(httptest.NewRecorder(), post("CreateTrigger", params))
		})
	}
	all.Wait()
	if _, total := a.triggers(object{}); total != 10 {
		t.Errorf("there are %d triggers, expected 10", total)
	}
}
