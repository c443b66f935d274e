package huawei

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

type fields map[string]any

// body returns a request to create a function, with other fields.
func body(t *testing.T, other fields) string {
	t.Helper()
	all := fields{
		"func_name": "new", "package": "default", "runtime": "Custom", "timeout": 3, "handler": "index.main_handler",
		"memory_size": 128, "code_type": "zip", "code_filename": "new.zip",
		"func_code": fields{"file": base64.StdEncoding.EncodeToString(localtest.Zip(t))},
	}
	for name, value := range other {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A function that is created runs, and is described as it was created.
func TestCreate(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	before := time.Now().Add(-time.Second)
	var created, read function
	a.get(t, 200, &created, "POST", functionsPath, body(t, fields{
		"timeout": 259200, "memory_size": 10240, "handler": "./program", "description": "a <b>",
		"user_data": `{"B":"2","A":"1"}`, "initializer_timeout": 300, "strategy_config": fields{"concurrency": 7},
		"xrole": "ignored", "enable_lts_log": false, // settings that the local platform does not have
	}))
	path := functionsPath + "/" + created.URN
	a.get(t, 200, &read, "GET", path+"/config", "")
	if fmt.Sprint(created) != fmt.Sprint(read) {
		t.Errorf("created %+v\nread    %+v", created, read)
	}
	if modified, err := time.Parse(time.RFC3339, read.LastModified); err != nil || modified.Before(before) {
		t.Errorf("last_modified is %q", read.LastModified)
	}
	read.LastModified, read.Digest, read.CodeSize, read.DependVersions = "", "", 0, nil
	want := function{
		URN: "urn:fss:cn-north-4:p:function:default:new:latest", Name: "new", DomainID: domain, Namespace: "p", ProjectName: region,
		Package: "default", Runtime: "Custom", Timeout: 259200, Handler: "./program", MemorySize: 10240, CPU: 8200,
		CodeType: "zip", CodeFilename: "new.zip", UserData: `{"A":"1","B":"2"}`, Version: "latest", Description: "a <b>",
		InitializerTimeout: 300, Strategy: strategy{7, 1}, EnterpriseProjectID: "0", Type: "v2",
	}
	if fmt.Sprint(read) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", read, want)
	}
	if r := a.call(t, "POST", path+"/invocations", `{"a":1}`); bodyOf(t, r) != `{"a":1}` {
		t.Error("the function does not echo")
	}
	a.refused(t, errExists, "new", "POST", functionsPath, body(t, nil))
}

// Settings that the vendor refuses, or that the local platform cannot apply,
// are refused, and nothing is created.
func TestCreateRefused(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	many := map[string]string{}
	for i := range 21 {
		many[fmt.Sprint("V", i)] = ""
	}
	text, _ := json.Marshal(many)
	file := func(content string) fields { return fields{"func_code": fields{"file": content}} }
	for _, test := range []struct {
		other fields
		want  *failure
		part  string
	}{
		{fields{"func_name": nil}, errName, ""},
		{fields{"func_name": "1a"}, errName, "1a"},
		{fields{"func_name": "a-"}, errName, "at the end"},
		{fields{"func_name": "a.b"}, errName, ""},
		{fields{"func_name": strings.Repeat("a", 61)}, errName, "60"},
		{fields{"func_name": 1}, errParameter, "func_name"},
		{fields{"package": nil}, errPackage, "default"},
		{fields{"package": "other"}, errNoApp, "other"},
		{fields{"runtime": nil}, errRuntime, "only the runtime Custom"},
		{fields{"runtime": "http"}, errRuntime, "HTTP function"},
		{fields{"runtime": "Python3.9"}, errRuntime, "only the runtime Custom"},
		{fields{"timeout": nil}, errTimeout, "0"},
		{fields{"timeout": 2}, errTimeout, "3 to 259200"},
		{fields{"timeout": 259201}, errTimeout, ""},
		{fields{"timeout": "3"}, errParameter, "timeout"},
		{fields{"handler": nil}, errHandler, "dot"},
		{fields{"handler": "program"}, errHandler, "./program"},
		{fields{"memory_size": nil}, errMemory, ""},
		{fields{"memory_size": 200}, errMemory, "256"},
		{fields{"memory_size": 20480}, errMemory, ""},
		{fields{"user_data": "A=b"}, errUserData, "JSON"},
		{fields{"user_data": `{"A":1}`}, errUserData, "strings"},
		{fields{"user_data": `{"A=B":"1"}`}, errUserData, "without ="},
		{fields{"user_data": `{"A":"\u0000"}`}, errUserData, "zero"},
		{fields{"user_data": string(text)}, errVariables, "21"},
		{fields{"user_data": `{"A":"` + strings.Repeat("a", 4096) + `"}`}, errUserSize, "4097"},
		{fields{"encrypted_user_data": `{"A":"b"}`}, errParameter, "user_data"},
		{fields{"description": strings.Repeat("ü", 513)}, errDescription, "512"},
		{fields{"initializer_handler": "index.init"}, errParameter, "initializer"},
		{fields{"initializer_timeout": 301}, errTimeout, "300"},
		{fields{"initializer_timeout": -1}, errTimeout, ""},
		{fields{"strategy_config": fields{"concurrency": 0}}, errConcurrency, "disables"},
		{fields{"strategy_config": fields{"concurrency": -2}}, errConcurrency, "-1"},
		{fields{"strategy_config": fields{"concurrency": 1, "concurrent_num": 2}}, errConcurrency, "one event at a time"},
		{fields{"code_type": nil}, errCodeType, "Set code_type"},
		{fields{"code_type": "inline"}, errCodeType, "bootstrap"},
		{fields{"code_type": "obs", "code_url": "https://bucket.obs.cn-north-4.myhuaweicloud.com/a.zip"}, errCodeType, "OBS"},
		{fields{"code_type": "jar"}, errCodeType, "Java"},
		{fields{"code_type": "Custom-Image-Swr"}, errCodeType, "images"},
		{fields{"code_type": "tar"}, errCodeType, "tar"},
		{fields{"func_code": nil}, errNoCode, "base64"},
		{file("%%%"), errCode, "base64"},
		{file("aGVsbG8="), errCode, "zip"},
	} {
		a.refused(t, test.want, test.part, "POST", functionsPath, body(t, test.other))
	}
	a.refused(t, errNotJSON, "", "POST", functionsPath, "{")
	a.refused(t, errNotJSON, "", "POST", functionsPath, "")
	if all := a.cloud.Functions(protocol.FunctionGraph); len(all) != 1 {
		t.Errorf("there are %d functions, expected 1", len(all))
	}
}

// A zip beyond the limit is refused before it is decoded.
func TestZipTooLarge(t *testing.T) {
	request := codeRequest{CodeType: "zip", FuncCode: funcCode{File: strings.Repeat("a", base64Length(maxZip)+4)}}
	if _, err := request.read(); failureOf(err).Code != errCodeSize.Code {
		t.Errorf("got %v", err)
	}
}

// Each documented amount of memory is accepted, also by package local.
func TestMemorySizes(t *testing.T) {
	for _, size := range memorySizes {
		c := configuration{Runtime: customRuntime, Timeout: 3, Handler: "a.b", MemorySize: size}
		if err := c.check(); err != nil {
			t.Errorf("%d MB: %v", size, err)
		}
		if size < limits.MemoryMin || size > limits.MemoryMax {
			t.Errorf("%d MB is beyond the limits %d and %d", size, limits.MemoryMin, limits.MemoryMax)
		}
	}
}

// A package that the platform accepts, but cannot start, is created and fails at each
// event.
func TestCreateBroken(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	noBootstrap := localtest.ZipOf(t, "folder/bootstrap", "#!/bin/sh\n", 0o755)
	var f function
	a.get(t, 200, &f, "POST", functionsPath, body(t, fields{"func_code": fields{"file": base64.StdEncoding.EncodeToString(noBootstrap)}}))
	var got outcome
	r := a.call(t, "POST", functionsPath+"/"+f.URN+"/invocations", "{}", "X-CFF-Request-Version", "v1")
	if err := json.Unmarshal([]byte(bodyOf(t, r)), &got); err != nil || got.Code != 4202 || got.Result != "runtime bootstrap file is not found" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A change of the settings keeps what the request leaves out.
func TestConfigure(t *testing.T) {
	a, f := newAPI(t, local.Options{}, func(s *local.Settings) {
		s.Env, s.Description, s.Instances, s.InitTimeout = []string{"A=1"}, "old", 5, time.Minute
	})
	base := fields{"func_name": "hello", "runtime": "Custom", "timeout": 60, "handler": "a.b", "memory_size": 256}
	put := func(other fields) string {
		all := maps.Clone(base)
		maps.Copy(all, other)
		text, _ := json.Marshal(all) // strings and numbers: never fails
		return string(text)
	}
	var got function
	a.get(t, 200, &got, "PUT", helloPath+"/config", put(nil))
	if got.Timeout != 60 || got.Handler != "a.b" || got.MemorySize != 256 || got.UserData != `{"A":"1"}` || got.Description != "old" ||
		got.Strategy.Concurrency != 5 || got.InitializerTimeout != 60 {
		t.Errorf("got %+v", got)
	}
	a.get(t, 200, &got, "PUT", helloPath+"/config", put(fields{
		"user_data": `{"B":"2"}`, "description": "", "strategy_config": fields{"concurrency": -1}, "initializer_timeout": 5,
	}))
	if d := f.Describe(); !slices.Equal(d.Env, []string{"B=2"}) || d.Description != "" || d.Instances != 0 || d.InitTimeout != 5*time.Second {
		t.Errorf("got %+v", d.Settings)
	}
	a.get(t, 200, &got, "PUT", helloPath+"/config", put(fields{"user_data": ""}))
	if got.UserData != "" {
		t.Errorf("the variables are %s", got.UserData)
	}
	a.refused(t, errName, "cannot change", "PUT", helloPath+"/config", put(fields{"func_name": "other"}))
	a.refused(t, errRuntime, "Go1.x", "PUT", helloPath+"/config", put(fields{"runtime": "Go1.x"}))
	a.refused(t, errUserData, "", "PUT", helloPath+"/config", put(fields{"user_data": "[]", "timeout": 100}))
	a.refused(t, errNotJSON, "", "PUT", helloPath+"/config", "")
	if d := f.Describe(); d.Timeout != time.Minute {
		t.Errorf("a refused change has set the time limit to %v", d.Timeout)
	}
}

func TestMaxInstances(t *testing.T) {
	a, f := newAPI(t, local.Options{})
	var got function
	a.get(t, 200, &got, "PUT", helloPath+"/config-max-instance", `{"max_instance_num":9}`)
	if got.Strategy.Concurrency != 9 || f.Describe().Instances != 9 {
		t.Errorf("got %d, and %d in the function", got.Strategy.Concurrency, f.Describe().Instances)
	}
	a.refused(t, errConcurrency, "", "PUT", helloPath+"/config-max-instance", `{}`)
}

// New code replaces the old, and is returned.
func TestCode(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	var got function
	if a.get(t, 200, &got, "GET", helloPath+"/code", ""); got.FuncCode.File != "" {
		t.Errorf("a folder has the zip %q", got.FuncCode.File)
	}
	file := base64.StdEncoding.EncodeToString(localtest.Zip(t))
	a.get(t, 200, &got, "PUT", helloPath+"/code", `{"code_type":"zip","code_filename":"a.zip","func_code":{"file":"`+file+`"}}`)
	if got.CodeSize == 0 || len(got.Digest) != 64 || got.FuncCode.File != "" {
		t.Errorf("got %+v", got)
	}
	if a.get(t, 200, &got, "GET", helloPath+"/code", ""); got.FuncCode.File != file {
		t.Errorf("the zip has %d characters, expected %d", len(got.FuncCode.File), len(file))
	}
	a.refused(t, errCodeType, "", "PUT", helloPath+"/code", `{"code_type":"obs"}`)
	a.refused(t, errCode, "damaged", "PUT", helloPath+"/code", `{"code_type":"zip","func_code":{"file":"aGVsbG8="}}`)
	a.refused(t, errNotJSON, "", "PUT", helloPath+"/code", `zip`)
	if r := a.call(t, "POST", helloPath+"/invocations", `{"a":1}`); bodyOf(t, r) != `{"a":1}` {
		t.Error("the new code does not run")
	}
}

// A function is deleted with and without its version.
func TestDelete(t *testing.T) {
	for _, path := range []string{helloPath, strings.TrimSuffix(helloPath, ":latest")} {
		a, _ := newAPI(t, local.Options{})
		if r := a.call(t, "DELETE", path, ""); r.StatusCode != 204 || bodyOf(t, r) != "" {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
		a.refused(t, errNoFunction, "hello", "DELETE", path, "")
	}
	a, _ := newAPI(t, local.Options{})
	a.refused(t, errParameter, "urn:fss:", "DELETE", functionsPath+"/hello", "")
}
