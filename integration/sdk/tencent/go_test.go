package sdktencent

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	sdkerrors "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	scf "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/scf/v20180416"
)

// newClient returns a client that signs with a key.
func newClient(t *testing.T, id, key string, change ...func(p *profile.ClientProfile)) *scf.Client {
	t.Helper()
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme, p.HttpProfile.Endpoint = "HTTP", endpoint()
	for _, change := range change {
		change(p)
	}
	c, err := scf.NewClient(common.NewCredential(id, key), "ap-guangzhou", p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// create creates a function, and removes it at the end of the test.
func create(t *testing.T, c *scf.Client, name string) {
	t.Helper()
	r := scf.NewCreateFunctionRequest()
	r.FunctionName, r.Runtime, r.Code = &name, common.StringPtr("CustomRuntime"), &scf.Code{ZipFile: zipText()}
	r.Timeout, r.InitTimeout = common.Int64Ptr(10), common.Int64Ptr(10)
	r.Environment = &scf.Environment{Variables: []*scf.Variable{{Key: common.StringPtr("NAME"), Value: common.StringPtr("value")}}}
	answer, err := c.CreateFunction(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Response.RequestId == nil {
		t.Error("the answer has no RequestId")
	}
	t.Cleanup(func() {
		r := scf.NewDeleteFunctionRequest()
		r.FunctionName = &name
		_, _ = c.DeleteFunction(r) // the test may have deleted it
	})
}

// invoke sends an event.
func invoke(t *testing.T, c *scf.Client, name, event string) *scf.Result {
	t.Helper()
	r := scf.NewInvokeRequest()
	r.FunctionName, r.ClientContext, r.LogType = &name, &event, common.StringPtr("Tail")
	answer, err := c.Invoke(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Response.Result
}

// codeOf returns the code of an error of the API.
func codeOf(err error) string {
	var e *sdkerrors.TencentCloudSDKError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestGoInvoke(t *testing.T) {
	c := newClient(t, secretID, secretKey)
	create(t, c, "go-invoke")
	r := invoke(t, c, "go-invoke", `{"a":1}`)
	if *r.RetMsg != `Echoing request: '{"a":1}'` || *r.ErrMsg != "" || *r.InvokeResult != 0 || *r.MemUsage <= 0 || *r.Duration <= 0 || *r.BillDuration <= 0 {
		t.Errorf("got %s %s %d %d %v %d", *r.RetMsg, *r.ErrMsg, *r.InvokeResult, *r.MemUsage, *r.Duration, *r.BillDuration)
	}
	if !strings.HasPrefix(*r.Log, "START RequestId: "+*r.FunctionRequestId) || !strings.Contains(*r.Log, "event: {\"a\":1}\n") {
		t.Errorf("got the log %s", *r.Log)
	}
	var failure struct {
		ErrorCode, StatusCode   int
		ErrorMessage, RequestId string
	}
	r = invoke(t, c, "go-invoke", `"fail"`)
	if err := json.Unmarshal([]byte(*r.RetMsg), &failure); err != nil || failure.ErrorCode != 1 || failure.StatusCode != 430 || *r.InvokeResult != 1 || *r.ErrMsg != *r.RetMsg {
		t.Errorf("got %d %s, %v", *r.InvokeResult, *r.RetMsg, err)
	}
	asynchronous := scf.NewInvokeRequest()
	asynchronous.FunctionName, asynchronous.InvocationType, asynchronous.ClientContext = common.StringPtr("go-invoke"), common.StringPtr("Event"), common.StringPtr("{}")
	answer, err := c.Invoke(asynchronous)
	if err != nil || *answer.Response.Result.FunctionRequestId == "" || *answer.Response.Result.RetMsg != "" {
		t.Errorf("got %+v, %v", answer, err)
	}
}

// The SDK can send parameters in a query.
func TestGoGet(t *testing.T) {
	create(t, newClient(t, secretID, secretKey), "go-get")
	c := newClient(t, secretID, secretKey, func(p *profile.ClientProfile) { p.HttpProfile.ReqMethod = "GET" })
	if got := *invoke(t, c, "go-get", `{"g":"a b&c"}`).RetMsg; got != `Echoing request: '{"g":"a b&c"}'` {
		t.Errorf("got %s", got)
	}
}

func TestGoConfigure(t *testing.T) {
	c, name := newClient(t, secretID, secretKey), common.StringPtr("go-configure")
	create(t, c, *name)
	configure := scf.NewUpdateFunctionConfigurationRequest()
	configure.FunctionName, configure.MemorySize, configure.Description = name, common.Int64Ptr(256), common.StringPtr("a function")
	if _, err := c.UpdateFunctionConfiguration(configure); err != nil {
		t.Fatal(err)
	}
	code := scf.NewUpdateFunctionCodeRequest()
	code.FunctionName, code.Handler, code.ZipFile = name, common.StringPtr("index.main_handler"), zipText()
	if _, err := c.UpdateFunctionCode(code); err != nil {
		t.Fatal(err)
	}
	get := scf.NewGetFunctionRequest()
	get.FunctionName = name
	got, err := c.GetFunction(get)
	if err != nil {
		t.Fatal(err)
	}
	f := got.Response
	if *f.Status != "Active" || *f.MemorySize != 256 || *f.Timeout != 10 || *f.InitTimeout != 10 || *f.CodeSize <= 0 || *f.Description != "a function" || *f.Environment.Variables[0].Value != "value" {
		t.Errorf("got %s", got.ToJsonString())
	}
	list := scf.NewListFunctionsRequest()
	list.SearchKey, list.Limit = name, common.Int64Ptr(5)
	listed, err := c.ListFunctions(list)
	if err != nil || *listed.Response.TotalCount != 1 || *listed.Response.Functions[0].FunctionId != *f.FunctionId {
		t.Errorf("got %v, %v", listed, err)
	}
	namespaces, err := c.ListNamespaces(scf.NewListNamespacesRequest())
	if err != nil || *namespaces.Response.Namespaces[0].Name != "default" {
		t.Errorf("got %v, %v", namespaces, err)
	}
	remove := scf.NewDeleteFunctionRequest()
	remove.FunctionName = name
	if _, err := c.DeleteFunction(remove); err != nil {
		t.Error(err)
	}
	if _, err := c.GetFunction(get); codeOf(err) != "ResourceNotFound.Function" {
		t.Errorf("got %v", err)
	}
}

func TestGoTriggers(t *testing.T) {
	c, name := newClient(t, secretID, secretKey), common.StringPtr("go-triggers")
	create(t, c, *name)
	add := func(trigger, kind, desc string) *scf.Trigger {
		t.Helper()
		r := scf.NewCreateTriggerRequest()
		r.FunctionName, r.TriggerName, r.Type, r.TriggerDesc, r.Enable = name, &trigger, &kind, &desc, common.StringPtr("OPEN")
		answer, err := c.CreateTrigger(r)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Response.TriggerInfo
	}
	timer := add("daily", "timer", "0 0 2 * * * *")
	gateway := add("SCF_API_SERVICE", "apigw", `{"api":{"authRequired":"FALSE","requestConfig":{"method":"ANY"},"isIntegratedResponse":"FALSE"},"service":{"serviceName":"SCF_API_SERVICE"},"release":{"environmentName":"release"}}`)
	if *timer.TriggerDesc != `{"cron":"0 0 2 * * * *"}` || *timer.Enable != 1 || !strings.Contains(*gateway.TriggerDesc, `"http://`+endpoint()+`/release/go-triggers"`) {
		t.Errorf("got %s and %s", *timer.TriggerDesc, *gateway.TriggerDesc)
	}
	if got := get(t, "http://"+endpoint()+"/release/go-triggers?a=b"); !strings.HasPrefix(got, "Echoing request: '{") || !strings.Contains(got, `"queryString":{"a":"b"}`) {
		t.Errorf("the API gateway answers %s", got)
	}
	list := scf.NewListTriggersRequest()
	list.FunctionName = name
	listed, err := c.ListTriggers(list)
	if err != nil || *listed.Response.TotalCount != 2 || *listed.Response.Triggers[1].TriggerName != "daily" {
		t.Errorf("got %v, %v", listed, err)
	}
	remove := scf.NewDeleteTriggerRequest()
	remove.FunctionName, remove.TriggerName, remove.Type = name, common.StringPtr("daily"), common.StringPtr("timer")
	if _, err := c.DeleteTrigger(remove); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteTrigger(remove); codeOf(err) != "ResourceNotFound.Trigger" {
		t.Errorf("got %v", err)
	}
}

// get returns the content of a URL.
func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("got %s %s, %v", response.Status, body, err)
	}
	return string(body)
}

func TestGoLogs(t *testing.T) {
	c, name := newClient(t, secretID, secretKey), common.StringPtr("go-logs")
	create(t, c, *name)
	good, bad := invoke(t, c, *name, `{"n":1}`), invoke(t, c, *name, `"fail"`)
	r := scf.NewGetFunctionLogsRequest()
	r.FunctionName, r.Filter = name, &scf.LogFilter{RetCode: common.StringPtr("not0")}
	answer, err := c.GetFunctionLogs(r)
	if err != nil || *answer.Response.TotalCount != 1 || *answer.Response.Data[0].RequestId != *bad.FunctionRequestId {
		t.Fatalf("got %v, %v", answer, err)
	}
	r.Filter, r.FunctionRequestId = nil, good.FunctionRequestId
	answer, err = c.GetFunctionLogs(r)
	if err != nil || len(answer.Response.Data) != 1 || !strings.Contains(*answer.Response.Data[0].Log, `event: {"n":1}`) || *answer.Response.Data[0].RetCode != 0 {
		t.Fatalf("got %v, %v", answer, err)
	}
}

// Errors have the vendor's codes.
func TestGoErrors(t *testing.T) {
	c := newClient(t, secretID, secretKey)
	create(t, c, "go-errors")
	again := scf.NewCreateFunctionRequest()
	again.FunctionName, again.Runtime, again.Code = common.StringPtr("go-errors"), common.StringPtr("CustomRuntime"), &scf.Code{ZipFile: zipText()}
	if _, err := c.CreateFunction(again); codeOf(err) != "ResourceInUse.Function" {
		t.Errorf("got %v", err)
	}
	again.FunctionName, again.Runtime = common.StringPtr("go-python"), common.StringPtr("Python3.6")
	if _, err := c.CreateFunction(again); codeOf(err) != "InvalidParameterValue.Runtime" {
		t.Errorf("got %v", err)
	}
	publish := scf.NewPublishVersionRequest()
	publish.FunctionName = common.StringPtr("go-errors")
	if _, err := c.PublishVersion(publish); codeOf(err) != "UnsupportedOperation" {
		t.Errorf("got %v", err)
	}
	list := scf.NewListFunctionsRequest()
	if _, err := newClient(t, secretID, "another").ListFunctions(list); codeOf(err) != "AuthFailure.SignatureFailure" {
		t.Errorf("with another key: got %v", err)
	}
	if _, err := newClient(t, "another", secretKey).ListFunctions(list); codeOf(err) != "AuthFailure.SecretIdNotFound" {
		t.Errorf("with another id: got %v", err)
	}
}
