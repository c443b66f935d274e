package tencent

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
)

// get makes a GET request for an action.
func get(action string, query url.Values) *http.Request {
	r := httptest.NewRequest("GET", "http://127.0.0.1:9000/?"+query.Encode(), nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", version)
	return r
}

// A GET request has its parameters in the query, with names that are paths.
func TestQuery(t *testing.T) {
	a := newAPI(t, local.Options{})
	code := newFunction(t, nil)["Code"].(object)["ZipFile"].(string)
	for _, r := range []*http.Request{
		get("CreateFunction", url.Values{
			"FunctionName": {"hello"}, "Runtime": {"CustomRuntime"}, "Code.ZipFile": {code}, "Timeout": {"7"},
			"Environment.Variables.0.Key": {"AB"}, "Environment.Variables.0.Value": {"1"},
			"Environment.Variables.1.Key": {"CD"}, "Environment.Variables.1.Value": {"2"},
		}),
		get("Invoke", url.Values{"FunctionName": {"hello"}, "ClientContext": {`{"g":1}`}}),
	} {
		content := a.serve(r)
		if e := errorIn(content); e.Code != "" {
			t.Fatal(e)
		}
	}
	var f goSDK
	a.call("GetFunction", object{"FunctionName": "hello"}, &f)
	if *f.Timeout != 7 || len(f.Environment.Variables) != 2 || *f.Environment.Variables[1].Key != "CD" {
		t.Errorf("got a time limit of %d and %d variables", *f.Timeout, len(f.Environment.Variables))
	}
	if got := string(a.cloud.Functions(nil)[0].Invocations()[0].Event); got != `{"g":1}` {
		t.Errorf("the function got %s", got)
	}
}

func TestQueryRefused(t *testing.T) {
	a := newAPI(t, local.Options{})
	for _, test := range []struct{ query, code, part string }{
		{"Limit=ten", "InvalidParameter", "Limit"},
		{"Limit=1&Limit.0=2", "InvalidParameter", "Limit"},
		{"SearchKey.0=a", "InvalidParameter", "SearchKey"},
		{"A.B.C.D.E.F.G=a", "InvalidParameter", "deep"},
		{"Offset=%zz", "InvalidParameter", "query"},
		{"Unknown=1", "UnknownParameter", "Unknown"},
	} {
		r := get("ListFunctions", nil)
		r.URL.RawQuery = test.query
		content := a.serve(r)
		if e := errorIn(content); e.Code != test.code || !strings.Contains(e.Message, test.part) {
			t.Errorf("%s: got %s, expected %s and %q", test.query, content, test.code, test.part)
		}
	}
}

// The names of parameters come from the vendor's SDK for Node.js (4.1.151).
func TestParameterNames(t *testing.T) {
	a := newAPI(t, local.Options{})
	for action, names := range map[string]string{
		"Invoke":                      "FunctionName InvocationType Qualifier ClientContext LogType Namespace RoutingKey",
		"InvokeFunction":              "FunctionName Qualifier Event LogType Namespace RoutingKey",
		"CreateFunction":              "FunctionName Code Handler Description MemorySize Timeout Environment Runtime VpcConfig Namespace Role InstallDependency ClsLogsetId ClsTopicId Type CodeSource Layers DeadLetterConfig PublicNetConfig CfsConfig InitTimeout Tags AsyncRunEnable TraceEnable AutoDeployClsTopicIndex AutoCreateClsTopic ProtocolType ProtocolParams InstanceConcurrencyConfig DnsCache IntranetConfig",
		"UpdateFunctionCode":          "FunctionName Handler CosBucketName CosObjectName ZipFile Namespace CosBucketRegion InstallDependency EnvId Publish Code CodeSource",
		"UpdateFunctionConfiguration": "FunctionName Description MemorySize Timeout Runtime Environment Namespace VpcConfig Role InstallDependency ClsLogsetId ClsTopicId Publish L5Enable Layers DeadLetterConfig PublicNetConfig CfsConfig InitTimeout ProtocolParams InstanceConcurrencyConfig DnsCache IntranetConfig IgnoreSysLog",
		"GetFunction":                 "FunctionName Qualifier Namespace ShowCode",
		"ListFunctions":               "Order Orderby Offset Limit SearchKey Namespace Description Filters",
		"DeleteFunction":              "FunctionName Namespace Qualifier",
		"GetFunctionLogs":             "FunctionName Offset Limit Order OrderBy Filter Namespace Qualifier FunctionRequestId StartTime EndTime SearchContext",
		"GetRequestStatus":            "FunctionName FunctionRequestId Namespace StartTime EndTime",
		"ListTriggers":                "FunctionName Namespace Offset Limit OrderBy Order Filters",
		"CreateTrigger":               "FunctionName TriggerName Type TriggerDesc Namespace Qualifier Enable CustomArgument Description",
		"DeleteTrigger":               "FunctionName TriggerName Type Namespace TriggerDesc Qualifier",
		"ListNamespaces":              "Limit Offset Orderby Order SearchKey",
	} {
		params := object{}
		for name := range strings.FieldsSeq(names) {
			params[name] = nil
		}
		if e := errorIn(a.serve(post(action, params))); e.Code == "UnknownParameter" {
			t.Errorf("%s: %s", action, e.Message)
		}
	}
	if len(actions) != 14 {
		t.Errorf("there are %d actions, expected 14", len(actions))
	}
}

// The same names and limits of variables are in package doctor.
func TestSameAsDoctor(t *testing.T) {
	for name, code := range map[string]string{
		"AB": "", "A": "InvalidParameterValue.Environment", "a_b1": "", "1A": "InvalidParameterValue.Environment",
		"SCF_X": "InvalidParameterValue.EnvironmentSystemProtect", "QCLOUD_X": "InvalidParameterValue.EnvironmentSystemProtect", "TENCENTCLOUD_X": "InvalidParameterValue.EnvironmentSystemProtect",
	} {
		e := environment{[]variable{{name, "x"}}}
		err := e.check()
		if err == nil && code != "" || err != nil && asAPI(err).Code != code {
			t.Errorf("%s: got %v, expected %q", name, err, code)
		}
	}
	if upload, _ := doctor.Limits("scf"); upload*4/3 != maxZipFile {
		t.Errorf("doctor allows %d bytes, which are %d as base64: expected %d", upload, upload*4/3, maxZipFile)
	}
}

// No request makes the decoder of parameters and signatures panic, and every one gets an
// answer.
func FuzzRequest(f *testing.F) {
	cloud := local.New(local.Options{})
	defer cloud.Close()
	s := New(cloud, exampleKey).(*server)
	s.now = func() time.Time { return time.Unix(1795978427, 0) }
	unsigned := New(cloud)
	f.Add("POST", "CreateFunction", "", `{"FunctionName":"a","Code":{"ZipFile":"UEsDBAo="},"Runtime":"CustomRuntime","Environment":{"Variables":[{"Key":"A"}]}}`, "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-29/scf/tc3_request, SignedHeaders=content-type;host, Signature="+strings.Repeat("0", 64))
	f.Add("GET", "CreateFunction", "Code.ZipFile=a&Environment.Variables.0.Key=b&Environment.Variables.01.Key=c&Timeout=1", "", "SKIP")
	f.Add("POST", "CreateTrigger", "", `{"FunctionName":"a","TriggerDesc":"{\"api\":{}}","Type":"apigw"}`, "")
	f.Add("POST", "GetFunctionLogs", "", `{"Limit":9223372036854775807,"Offset":9223372036854775807}`, "")
	f.Fuzz(func(t *testing.T, method, action, query, body, signed string) {
		for _, handler := range []http.Handler{s, unsigned} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.Method, r.URL.RawQuery = method, query
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-TC-Action", action)
			r.Header.Set("X-TC-Version", version)
			r.Header.Set("X-TC-Timestamp", "1795978427")
			r.Header.Set("Authorization", signed)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusOK || !json.Valid(w.Body.Bytes()) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		}
	})
}
