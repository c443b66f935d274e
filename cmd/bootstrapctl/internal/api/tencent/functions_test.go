package tencent

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

// zipOf returns a package with one file as base64.
func zipOf(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString(localtest.ZipOf(t, name, content, mode))
}

// The parameters of a function are checked, and the error has the vendor's code.
func TestCreateRefused(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	variables := func(keyed ...string) object {
		var list []object
		for i := 0; i < len(keyed); i += 2 {
			list = append(list, object{"Key": keyed[i], "Value": keyed[i+1]})
		}
		return object{"Variables": list}
	}
	for _, test := range []struct {
		others     object
		code, part string
	}{
		{object{"FunctionName": "hello"}, "ResourceInUse.Function", "hello"},
		{object{"FunctionName": nil}, "MissingParameter", "FunctionName"},
		{object{"FunctionName": "1st"}, "InvalidParameterValue.FunctionName", "1st"},
		{object{"FunctionName": "a"}, "InvalidParameterValue.FunctionName", "2 to 60"},
		{object{"FunctionName": "a-"}, "InvalidParameterValue.FunctionName", "last"},
		{object{"FunctionName": strings.Repeat("a", 61)}, "InvalidParameterValue.FunctionName", "2 to 60"},
		{object{"FunctionName": "../../etc"}, "InvalidParameterValue.FunctionName", "../../etc"},
		{object{"Namespace": "other"}, "ResourceNotFound.Namespace", "other"},
		{object{"Runtime": nil}, "MissingParameter.Runtime", "CustomRuntime"},
		{object{"Runtime": "Python3.10"}, "InvalidParameterValue.Runtime", "Python3.10"},
		{object{"Runtime": "Go1"}, "InvalidParameterValue.Runtime", "bootstrap"},
		{object{"Type": "HTTP"}, "UnsupportedOperation", "scf_bootstrap"},
		{object{"Type": "Other"}, "InvalidParameterValue.FunctionType", "Event"},
		{object{"AsyncRunEnable": "TRUE"}, "UnsupportedOperation.AsyncRunEnable", ""},
		{object{"Layers": []object{{"LayerName": "a", "LayerVersion": 1}}}, "UnsupportedOperation", "layers"},
		{object{"CfsConfig": object{"CfsInsList": []object{}}}, "UnsupportedOperation", "CFS"},
		{object{"Handler": "index\n.main"}, "InvalidParameterValue.Handler", ""},
		{object{"Handler": strings.Repeat("a", 122)}, "InvalidParameterValue.Handler", "121"},
		{object{"Description": strings.Repeat("a", 1001)}, "InvalidParameterValue.Description", "1000"},
		{object{"MemorySize": 100}, "InvalidParameterValue.MemorySize", "128"},
		{object{"MemorySize": 0}, "InvalidParameterValue.MemorySize", "128"},
		{object{"MemorySize": 3200}, "LimitExceeded.Memory", "3072"},
		{object{"Timeout": 901}, "LimitExceeded.Timeout", "900"},
		{object{"Timeout": 0}, "InvalidParameterValue", "Timeout"},
		{object{"InitTimeout": 301}, "LimitExceeded.InitTimeout", "300"},
		{object{"InitTimeout": -1}, "InvalidParameterValue", "InitTimeout"},
		{object{"Timeout": "3"}, "InvalidParameter", "Timeout"},
		{object{"Environment": variables("SCF_REGION", "x")}, "InvalidParameterValue.EnvironmentSystemProtect", "SCF_REGION"},
		{object{"Environment": variables("MY-NAME", "x")}, "InvalidParameterValue.Environment", "MY-NAME"},
		{object{"Environment": variables("AB", strings.Repeat("x", 4095))}, "InvalidParameterValue.EnvironmentExceededLimit", "4097"},
		{object{"Environment": object{"Variables": object{"AB": "x"}}}, "InvalidParameter", "Environment.Variables"},
		{object{"Code": nil}, "MissingParameter.Code", "ZipFile"},
		{object{"Code": object{}}, "MissingParameter.Code", "ZipFile"},
		{object{"Code": object{"CosBucketName": "b", "CosObjectName": "o"}}, "UnsupportedOperation.Cos", "ZipFile"},
		{object{"Code": object{"DemoId": "demo"}}, "UnsupportedOperation", "ZipFile"},
		{object{"Code": object{"GitUrl": "https://example.com"}}, "UnsupportedOperation", "ZipFile"},
		{object{"Code": object{"ImageConfig": object{"ImageUri": "x"}}}, "UnsupportedOperation", "images"},
		{object{"Code": object{"ZipFile": "UEsDBAo"}}, "InvalidParameterValue.ZipFileBase64BinasciiError", ""},
		{object{"Code": object{"ZipFile": "aGVsbG8="}}, "InvalidParameterValue.ZipFile", "zip"},
		{object{"Code": object{"ZipFile": zipOf(t, "../bootstrap", "x", 0o755)}}, "InvalidParameterValue.ZipFile", ""},
		{object{"TimeOut": 3}, "UnknownParameter", "TimeOut"},
	} {
		if _, ok := test.others["FunctionName"]; !ok {
			test.others["FunctionName"] = "another"
		}
		params := newFunction(t, test.others)
		a.refuses("CreateFunction", params, test.code, test.part)
	}
	if n := len(a.cloud.Functions(nil)); n != 1 {
		t.Errorf("there are %d functions, expected 1", n)
	}
}

// A package may have 20 MB as base64.
func TestLargeZip(t *testing.T) {
	for size, want := range map[int]string{maxZipFile: "", maxZipFile + 4: "InvalidParameterValue.InlineZipFile"} {
		_, err := (&code{ZipFile: strings.Repeat("A", size)}).read()
		if err == nil && want != "" || err != nil && asAPI(err).Code != want {
			t.Errorf("%d bytes: got %v, expected %q", size, err, want)
		}
	}
}

// A goSDK is the answer of GetFunction as the SDK for Go declares it.
type goSDK struct {
	ModTime, AddTime, CodeInfo, Description, Handler, FunctionVersion, Runtime, FunctionName, UseGpu, CodeResult, CodeError *string
	Namespace, Role, InstallDependency, Status, StatusDesc, ClsLogsetId, ClsTopicId, FunctionId, Type, L5Enable             *string
	AvailableStatus, Qualifier                                                                                              *string
	CodeSize, Timeout, MemorySize, ErrNo, InitTimeout                                                                       *int64
	VpcConfig                                                                                                               *struct{ VpcId, SubnetId *string }
	Environment                                                                                                             *struct {
		Variables []*struct{ Key, Value *string }
	}
	Triggers  []*goTrigger
	Tags      []*struct{ Key, Value *string }
	Layers    []*struct{ LayerName *string }
	EipConfig *struct {
		EipFixed *string
		Eips     []*string
	}
	AccessInfo    *struct{ Host, Vip *string }
	StatusReasons []*struct{ ErrorCode, ErrorMessage *string }
}

type goTrigger struct {
	ModTime, Type, TriggerDesc, TriggerName, AddTime, CustomArgument, AvailableStatus, ResourceId, BindStatus, TriggerAttribute, Qualifier *string
	Enable                                                                                                                                 *int64
}

// A new function has the platform's defaults, and is active.
func TestGetFunction(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(object{"Timeout": nil})
	var f goSDK
	a.call("GetFunction", object{"FunctionName": "hello", "ShowCode": "TRUE"}, &f)
	got := fmt.Sprint(*f.FunctionName, *f.Namespace, *f.Runtime, *f.Handler, *f.Status, *f.Type, *f.Qualifier, *f.MemorySize, *f.Timeout, *f.InitTimeout, len(f.Environment.Variables))
	if want := fmt.Sprint("hello", "default", "CustomRuntime", "index.main_handler", "Active", "Event", "$LATEST", 128, 3, 65, 0); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if *f.CodeSize <= 0 || !strings.HasPrefix(*f.FunctionId, "lam-") || len(*f.FunctionId) != len("lam-abc12345") || len(*f.AddTime) != len("2006-01-02 15:04:05") {
		t.Errorf("got CodeSize %d, FunctionId %s, AddTime %s", *f.CodeSize, *f.FunctionId, *f.AddTime)
	}
	content := string(a.serve(post("GetFunction", object{"FunctionName": "hello"})))
	for _, list := range []string{"Triggers", "Tags", "Layers", "StatusReasons", "Variables"} {
		if !strings.Contains(content, `"`+list+`":[]`) {
			t.Errorf("%s is not an empty list in %s", list, content)
		}
	}
}

// Only what a call names is changed.
func TestUpdateConfiguration(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(object{"Handler": "app.run", "Description": "first", "Environment": object{"Variables": []object{{"Key": "NAME", "Value": "a=b"}}}})
	update := func(others object) goSDK {
		t.Helper()
		others["FunctionName"] = "hello"
		a.call("UpdateFunctionConfiguration", others, nil)
		var f goSDK
		a.call("GetFunction", object{"FunctionName": "hello"}, &f)
		return f
	}
	f := update(object{"MemorySize": 256, "Timeout": 10, "InitTimeout": 20})
	if got := fmt.Sprint(*f.MemorySize, *f.Timeout, *f.InitTimeout, " ", *f.Handler, *f.Description, *f.Environment.Variables[0].Key, *f.Environment.Variables[0].Value); got != "256 10 20 app.runfirstNAMEa=b" {
		t.Errorf("got %s", got)
	}
	f = update(object{"Description": "", "Environment": object{"Variables": []object{}}})
	if *f.Description != "" || len(f.Environment.Variables) != 0 || *f.MemorySize != 256 {
		t.Errorf("got %q, %d variables, %d MB", *f.Description, len(f.Environment.Variables), *f.MemorySize)
	}
	for _, test := range []struct {
		others     object
		code, part string
	}{
		{object{"Runtime": "Nodejs18.15"}, "InvalidParameterValue.Runtime", "Nodejs18.15"},
		{object{"MemorySize": 129}, "InvalidParameterValue.MemorySize", "129"},
		{object{"Publish": "TRUE"}, "UnsupportedOperation", "Publish"},
		{object{"Handler": "x"}, "UnknownParameter", "Handler"},
		{object{"FunctionName": "other"}, "ResourceNotFound.Function", "other"},
	} {
		if test.others["FunctionName"] == nil {
			test.others["FunctionName"] = "hello"
		}
		a.refuses("UpdateFunctionConfiguration", test.others, test.code, test.part)
	}
}

// The package comes beside the name or below Code, with or without a handler.
func TestUpdateCode(t *testing.T) {
	a := newAPI(t, local.Options{})
	broken := zipOf(t, "bootstrap", "#!/bin/sh\n", 0o644)
	whole := base64.StdEncoding.EncodeToString(localtest.Zip(t))
	a.create(object{"Code": object{"ZipFile": broken}})
	for _, test := range []struct {
		params  object
		result  string
		handler string
	}{
		{object{"ZipFile": whole, "Handler": "index.other"}, "{}", "index.other"},
		{object{"ZipFile": broken}, "Bootstrap not executable", "index.other"},
		{object{"Code": object{"ZipFile": whole}, "Handler": "index.third", "CodeSource": "ZipFile"}, "{}", "index.third"},
	} {
		test.params["FunctionName"] = "hello"
		a.call("UpdateFunctionCode", test.params, nil)
		if got := a.invoke("{}").RetMsg; !strings.Contains(got, test.result) {
			t.Errorf("got %s, expected %s", got, test.result)
		}
		if got := a.cloud.Functions(nil)[0].Describe().Handler; got != test.handler {
			t.Errorf("the handler is %s, expected %s", got, test.handler)
		}
	}
	a.refuses("UpdateFunctionCode", object{"FunctionName": "hello"}, "MissingParameter.Code", "ZipFile")
	a.refuses("UpdateFunctionCode", object{"FunctionName": "hello", "CosBucketName": "b"}, "UnsupportedOperation.Cos", "ZipFile")
	a.refuses("UpdateFunctionCode", object{"FunctionName": "hello", "ZipFile": "aGVsbG8="}, "InvalidParameterValue.ZipFile", "zip")
	a.refuses("UpdateFunctionCode", object{"FunctionName": "hello", "ZipFile": whole, "Publish": "TRUE"}, "UnsupportedOperation", "Publish")
	a.refuses("UpdateFunctionCode", object{"FunctionName": "hello", "ZipFile": whole, "Handler": "a\x00"}, "InvalidParameterValue.Handler", "")
	a.refuses("UpdateFunctionCode", object{"FunctionName": "other", "ZipFile": whole}, "ResourceNotFound.Function", "other")
	if got := a.invoke("{}").RetMsg; got != "{}" {
		t.Errorf("after calls that failed, the function answers %s", got)
	}
}

func TestDeleteFunction(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	a.refuses("DeleteFunction", object{"FunctionName": "hello", "Qualifier": "3"}, "ResourceNotFound.Qualifier", "3")
	a.call("DeleteFunction", object{"FunctionName": "hello"}, nil)
	a.refuses("DeleteFunction", object{"FunctionName": "hello"}, "ResourceNotFound.Function", "hello")
	a.create(nil)
}

// Functions are listed by pages, in an order, and by parts of their names.
func TestListFunctions(t *testing.T) {
	a := newAPI(t, local.Options{})
	for _, name := range []string{"beta", "alpha", "gamma"} {
		a.create(object{"FunctionName": name, "Description": "the " + name})
	}
	for _, test := range []struct {
		params object
		want   string
	}{
		{object{}, "3: beta alpha gamma"},
		{object{"Limit": 2}, "3: beta alpha"},
		{object{"Offset": 2, "Limit": 2}, "3: gamma"},
		{object{"Offset": 5}, "3:"},
		{object{"Orderby": "FunctionName"}, "3: alpha beta gamma"},
		{object{"Orderby": "FunctionName", "Order": "DESC"}, "3: gamma beta alpha"},
		{object{"Orderby": "AddTime", "Order": "DESC"}, "3: gamma alpha beta"},
		{object{"Orderby": "ModTime", "Order": "asc"}, "3: beta alpha gamma"},
		{object{"SearchKey": "et"}, "1: beta"},
		{object{"Description": "the g", "Namespace": "default"}, "1: gamma"},
	} {
		var answer struct {
			TotalCount *int64
			Functions  []struct{ FunctionName, Status string }
		}
		a.call("ListFunctions", test.params, &answer)
		got := fmt.Sprintf("%d:", *answer.TotalCount)
		for _, f := range answer.Functions {
			got += " " + f.FunctionName
			if f.Status != "Active" {
				t.Errorf("the status is %q", f.Status)
			}
		}
		if got != test.want {
			t.Errorf("%v: got %s, want %s", test.params, got, test.want)
		}
	}
	a.refuses("ListFunctions", object{"Offset": -1}, "InvalidParameterValue.Offset", "-1")
	a.refuses("ListFunctions", object{"Limit": -1}, "InvalidParameterValue.Limit", "-1")
	a.refuses("ListFunctions", object{"Order": "up"}, "InvalidParameterValue.Order", "up")
	a.refuses("ListFunctions", object{"Orderby": "Size"}, "InvalidParameterValue.OrderBy", "Size")
	a.refuses("ListFunctions", object{"Namespace": "n"}, "ResourceNotFound.Namespace", "n")
	a.refuses("ListFunctions", object{"Filters": []object{{"Name": "tag:a"}}}, "UnsupportedOperation", "SearchKey")
}

func TestListNamespaces(t *testing.T) {
	a := newAPI(t, local.Options{})
	var answer struct {
		TotalCount int64
		Namespaces []struct{ Name, Type, AddTime, ModTime, Description string }
	}
	a.call("ListNamespaces", object{"Limit": 10, "Order": "ASC"}, &answer)
	if answer.TotalCount != 1 || len(answer.Namespaces) != 1 || answer.Namespaces[0].Name != "default" {
		t.Errorf("got %+v", answer)
	}
}

var otherPlatforms = []*protocol.Platform{protocol.FunctionGraph, protocol.Lambda}

// The functions of the other platforms are not shown.
func TestOwnFunctionsOnly(t *testing.T) {
	a := newAPI(t, local.Options{})
	for _, p := range otherPlatforms {
		if _, err := a.cloud.Create(local.Settings{Name: "hello", Platform: p}, local.Code{Path: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
	}
	a.refuses("Invoke", object{"FunctionName": "hello"}, "ResourceNotFound.Function", "hello")
	if content := string(a.serve(post("ListFunctions", nil))); !strings.Contains(content, `"Functions":[]`) {
		t.Errorf("got %s", content)
	}
}

// Logs are filtered, sorted and cut.
func TestGetFunctionLogs(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(nil)
	a.create(object{"FunctionName": "other"})
	var ids []string
	for _, event := range []string{`{"log":"one"}`, `{"fail":"two"}`, `{"exit":1}`} {
		ids = append(ids, a.invoke(event).FunctionRequestId)
	}
	for _, test := range []struct {
		params object
		want   []int
	}{
		{object{}, []int{2, 1, 0}},
		{object{"Order": "asc"}, []int{0, 1, 2}},
		{object{"Limit": 1, "Offset": 1}, []int{1}},
		{object{"Filter": object{"RetCode": "is0"}}, []int{0}},
		{object{"Filter": object{"RetCode": "not0"}}, []int{2, 1}},
		{object{"Filter": object{"RetCode": "UserCodeException"}}, []int{1}},
		{object{"Filter": object{"RetCode": "TimeLimitExceeded"}}, nil},
		{object{"FunctionRequestId": ids[1]}, []int{1}},
		{object{"FunctionName": "other"}, nil},
		{object{"FunctionName": nil}, []int{2, 1, 0}},
		{object{"StartTime": "2020-01-01 00:00:00", "EndTime": "2020-01-02 00:00:00"}, nil},
		{object{"StartTime": "2020-01-01 00:00:00", "EndTime": "2100-01-01 00:00:00"}, []int{2, 1, 0}},
	} {
		params := object{"FunctionName": "hello"}
		for name, value := range test.params {
			params[name] = value
		}
		var answer struct {
			TotalCount    *int64
			SearchContext struct{ Limit *uint64 }
			Data          []struct {
				FunctionName, RetMsg, RequestId, StartTime, Log, Level, Source *string
				RetCode, InvokeFinished, BillDuration, MemUsage                *int64
				RetryNum                                                       *uint64
				Duration                                                       *float64
			}
		}
		a.call("GetFunctionLogs", params, &answer)
		var got []int
		for _, entry := range answer.Data {
			got = append(got, slices.Index(ids, *entry.RequestId))
			if *entry.InvokeFinished != 1 || !strings.HasPrefix(*entry.Log, "START RequestId: "+*entry.RequestId) {
				t.Errorf("got %+v", entry)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.params, got, test.want)
		}
	}
	hello := object{"FunctionName": "hello"}
	content := a.serve(post("GetFunctionLogs", hello))
	if !json.Valid(content) || !strings.Contains(string(content), `one\n`) {
		t.Errorf("the log of the function is missing in %s", content)
	}
	a.refuses("GetFunctionLogs", object{"FunctionName": "hello", "Filter": object{"RetCode": "x"}}, "InvalidParameterValue.RetCode", "is0")
	a.refuses("GetFunctionLogs", object{"FunctionName": "hello", "StartTime": "today"}, "InvalidParameterValue.DateTime", "today")
	a.refuses("GetFunctionLogs", object{"FunctionName": "hello", "StartTime": "2020-01-02 00:00:00", "EndTime": "2020-01-01 00:00:00"}, "InvalidParameterValue.DateTime", "before")
	a.refuses("GetFunctionLogs", object{"FunctionName": "missing"}, "ResourceNotFound.Function", "missing")
}
