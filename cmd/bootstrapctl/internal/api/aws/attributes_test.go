package aws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// The attributes that Terraform reads after a create exist, and are empty.
func TestEmptyAnswers(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	for path, want := range map[string]string{
		"/2015-03-31/functions/hello/versions":                                              `"Version":"$LATEST"`,
		"/2015-03-31/functions/hello/aliases":                                               `"Aliases":[]`,
		"/2020-06-30/functions/hello/code-signing-config":                                   `"CodeSigningConfigArn":""`,
		"/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:hello":             `{"Tags":{}}`,
		"/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello": `{"Tags":{}}`,
		"/2019-09-30/functions/hello/concurrency":                                           `{}`,
		"/2021-10-31/functions/hello/urls":                                                  `"FunctionUrlConfigs":[]`,
	} {
		if a := f.expect(200, "", "GET", path, nil); !strings.Contains(a.body, want) {
			t.Errorf("%s: got %s", path, a.body)
		}
		f.expect(404, "ResourceNotFoundException", "GET", strings.ReplaceAll(path, "hello", "other"), nil)
	}
	f.expect(404, "ResourceNotFoundException", "GET", functions+"/hello/policy", nil)
	f.expect(404, "ResourceNotFoundException", "GET", functions+"/other/policy", nil)
	f.expect(404, "ResourceNotFoundException", "GET", "/2021-10-31/functions/hello/url", nil)
}

func TestTags(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	path := "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello"
	f.expect(204, "", "POST", path, object{"Tags": object{"a": "1", "b": "2"}})
	f.expect(204, "", "POST", path, object{"Tags": object{"b": "3", "c": "4"}})
	f.expect(204, "", "DELETE", path+"?tagKeys=a&tagKeys=c", nil)
	if a := f.expect(200, "", "GET", path, nil); a.body != `{"Tags":{"b":"3"}}` {
		t.Errorf("got %s", a.body)
	}
	f.expect(400, "SerializationException", "POST", path, `{"Tags":[]}`)
	f.expect(404, "ResourceNotFoundException", "POST", "/2017-03-31/tags/other", object{})
	f.expect(404, "ResourceNotFoundException", "DELETE", "/2017-03-31/tags/other", nil)
}

func TestPolicy(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	path := functions + "/hello/policy"
	in := object{"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
	a := f.expect(201, "", "POST", path, in)
	if text, _ := a.field("Statement").(string); !strings.Contains(text, `"Sid":"one"`) || !strings.Contains(text, `{"Service":"s3.amazonaws.com"}`) {
		t.Errorf("got %s", a.body)
	}
	f.expect(409, "ResourceConflictException", "POST", path, in)
	f.expect(201, "", "POST", path, with(with(in, "StatementId", "two"), "Principal", "*"))
	f.expect(400, "ValidationException", "POST", path, object{})
	f.expect(400, "SerializationException", "POST", path, "{")
	f.expect(404, "ResourceNotFoundException", "POST", functions+"/other/policy", in)
	if text, _ := f.expect(200, "", "GET", path, nil).field("Policy").(string); strings.Count(text, `"Sid"`) != 2 || !strings.Contains(text, `"Principal":"*"`) {
		t.Errorf("got %s", text)
	}
	f.expect(204, "", "DELETE", path+"/one", nil)
	f.expect(404, "ResourceNotFoundException", "DELETE", path+"/one", nil)
	f.expect(404, "ResourceNotFoundException", "DELETE", functions+"/other/policy/one", nil)
	f.expect(204, "", "DELETE", path+"/two", nil)
	f.expect(404, "ResourceNotFoundException", "GET", path, nil)
}

// A function stays as it was if the maximum cannot be set.
func TestConcurrencyFails(t *testing.T) {
	f := newFixture(t, local.Options{})
	fn := f.create(local.Settings{Name: "hello"})
	f.cloud.Close()
	if err := (&call{API: f.api}).reserve(fn, 2, true); err == nil {
		t.Error("got no error from a cloud that is closed")
	}
	if f.api.notesOf(fn).throttled {
		t.Error("each event is refused")
	}
}

// Reserved concurrency is how many instances there may be. With 0 no event is served.
func TestConcurrency(t *testing.T) {
	f := newFixture(t, local.Options{Instances: 4})
	fn := f.create(local.Settings{Name: "hello"})
	put, get := "/2017-10-31/functions/hello/concurrency", "/2019-09-30/functions/hello/concurrency"
	invoke := functions + "/hello/invocations"
	for _, n := range []int{3, 0, 1} {
		want := fmt.Sprintf(`{"ReservedConcurrentExecutions":%d}`, n)
		if a := f.expect(200, "", "PUT", put, want); a.body != want {
			t.Errorf("got %s", a.body)
		}
		if a := f.expect(200, "", "GET", get, nil); a.body != want {
			t.Errorf("got %s", a.body)
		}
		if a := f.expect(200, "", "GET", functions+"/hello", nil); a.field("Concurrency", "ReservedConcurrentExecutions") != float64(n) {
			t.Errorf("got %s", a.body)
		}
		if got := fn.Describe().Settings.Instances; got != n {
			t.Errorf("the cloud allows %d instances, want %d", got, n)
		}
		if n > 0 {
			f.expect(200, "", "POST", invoke, "{}")
			continue
		}
		if a := f.expect(429, "TooManyRequestsException", "POST", invoke, "{}"); a.field("Reason") != "ReservedFunctionConcurrentInvocationLimitExceeded" {
			t.Errorf("got %s", a.body)
		}
	}
	f.expect(204, "", "DELETE", put, nil)
	if a := f.expect(200, "", "GET", get, nil); a.body != "{}" {
		t.Errorf("got %s", a.body)
	}
	f.expect(400, "ValidationException", "PUT", put, object{})
	f.expect(400, "ValidationException", "PUT", put, object{"ReservedConcurrentExecutions": -1})
	f.expect(400, "InvalidParameterValueException", "PUT", put, object{"ReservedConcurrentExecutions": 901})
	f.expect(400, "SerializationException", "PUT", put, "{")
	f.expect(404, "ResourceNotFoundException", "PUT", "/2017-10-31/functions/other/concurrency", object{})
	f.expect(404, "ResourceNotFoundException", "DELETE", "/2017-10-31/functions/other/concurrency", nil)
}

// A function URL of a deploy file is as old as its function.
func TestFunctionURLOfDeployFile(t *testing.T) {
	f := newFixture(t, local.Options{})
	fn := f.create(local.Settings{Name: "hello", Triggers: []local.Trigger{{Kind: "http", Name: "function-url", Path: "$default"}}})
	a := f.expect(200, "", "GET", "/2021-10-31/functions/hello/url", nil)
	if want := fn.Describe().Created.UTC().Format(time.RFC3339Nano); a.field("CreationTime") != want || a.field("LastModifiedTime") != want {
		t.Errorf("got %s, want %s", a.body, want)
	}
}

// A function URL is an HTTP trigger.
func TestFunctionURL(t *testing.T) {
	f := newFixture(t, local.Options{})
	fn := f.create(local.Settings{Name: "hello", Triggers: []local.Trigger{{Kind: "timer", Name: "tick"}}})
	path := "/2021-10-31/functions/hello/url"
	for body, kind := range map[string]string{
		`{}`:                     "ValidationException",
		`{"AuthType":"AWS_IAM"}`: "InvalidParameterValueException",
		`{"AuthType":"NONE","InvokeMode":"RESPONSE_STREAM"}`: "InvalidParameterValueException",
		`{"AuthType":"NONE","Cors":{"AllowOrigins":["*"]}}`:  "InvalidParameterValueException",
		`{"AuthType":`: "SerializationException",
	} {
		f.expect(400, kind, "POST", path, body)
	}
	a := f.expect(201, "", "POST", path, `{"AuthType":"NONE","Cors":{},"InvokeMode":"BUFFERED"}`)
	if a.field("FunctionUrl") != "http://example.com/apigw/hello/" || a.field("AuthType") != "NONE" {
		t.Errorf("got %s", a.body)
	}
	f.expect(409, "ResourceConflictException", "POST", path, `{"AuthType":"NONE"}`)
	if all := fn.Describe().Triggers; len(all) != 2 || all[1].Gateway != "aws-v2" || all[1].Kind != "http" || all[1].Path != "$default" || !all[1].Enabled {
		t.Errorf("the triggers are %+v", all)
	}
	if got := f.expect(200, "", "GET", path, nil); got.body != a.body {
		t.Errorf("got %s", got.body)
	}
	if got := f.expect(200, "", "GET", path+"s", nil).field("FunctionUrlConfigs").([]any); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	f.expect(200, "", "PUT", path, `{"InvokeMode":"BUFFERED"}`)
	f.expect(400, "InvalidParameterValueException", "PUT", path, `{"AuthType":"AWS_IAM"}`)
	f.expect(400, "SerializationException", "PUT", path, `{`)
	f.expect(204, "", "DELETE", path, nil)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		f.expect(404, "ResourceNotFoundException", method, path, nil)
		f.expect(404, "ResourceNotFoundException", method, "/2021-10-31/functions/other/url", nil)
	}
	f.expect(404, "ResourceNotFoundException", "POST", "/2021-10-31/functions/other/url", `{"AuthType":"NONE"}`)
	if all := fn.Describe().Triggers; len(all) != 1 || all[0].Name != "tick" {
		t.Errorf("the triggers are %+v", all)
	}
}
