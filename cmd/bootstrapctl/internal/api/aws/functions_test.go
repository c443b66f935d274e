package aws

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
)

const functions = "/2015-03-31/functions"

// A function is created, described, changed and deleted.
func TestLifeOfFunction(t *testing.T) {
	f := newFixture(t, local.Options{})
	in := with(with(with(input(t, "hello"), "Environment.Variables", object{"ONE": "1", "TWO": ""}), "Tags", object{"team": "x"}), "Description", "d")
	created := f.expect(201, "", "POST", functions, in)
	zip := localtest.Zip(t)
	sum := sha256.Sum256(zip)
	for field, want := range map[string]any{
		"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello", "Runtime": "provided.al2023", "Handler": "index.handler",
		"Role": "arn:aws:iam::000000000000:role/x", "State": "Active", "LastUpdateStatus": "Successful", "Version": "$LATEST", "PackageType": "Zip",
		"Timeout": 3.0, "MemorySize": 128.0, "CodeSize": float64(len(zip)), "CodeSha256": base64.StdEncoding.EncodeToString(sum[:]), "Description": "d",
	} {
		if got := created.field(field); got != want {
			t.Errorf("%s: got %v, want %v", field, got, want)
		}
	}
	if got := fmt.Sprintf("%v %v %v", created.field("Environment", "Variables"), created.field("EphemeralStorage", "Size"), created.field("LoggingConfig", "LogGroup")); got != "map[ONE:1 TWO:] 512 /aws/lambda/hello" {
		t.Errorf("got %s", got)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000-0700", created.field("LastModified").(string)); err != nil {
		t.Error(err)
	}

	got := f.expect(200, "", "GET", functions+"/hello", nil)
	if got.field("Tags", "team") != "x" || got.field("Configuration", "Description") != "d" {
		t.Errorf("got %s", got.body)
	}
	link := got.field("Code", "Location").(string)
	if a := f.call("GET", link, nil); a.status != 200 || a.body != string(zip) {
		t.Errorf("the code at %s: got %d and %d bytes", link, a.status, len(a.body))
	}
	if a := f.call("GET", link+"0", nil); a.status != 403 {
		t.Errorf("the code with another signature: got %d", a.status)
	}

	changed := f.expect(200, "", "PUT", functions+"/hello/configuration", object{"Timeout": 7, "TracingConfig": object{"Mode": "Active"}})
	if changed.field("Timeout") != 7.0 || changed.field("TracingConfig", "Mode") != "Active" || changed.field("Description") != "d" ||
		changed.field("Role") != "arn:aws:iam::000000000000:role/x" || changed.field("RevisionId") == created.field("RevisionId") {
		t.Errorf("got %s", changed.body)
	}
	dry := f.expect(200, "", "PUT", functions+"/hello/code", object{"ZipFile": []byte("x"), "DryRun": true})
	if dry.field("CodeSha256") != created.field("CodeSha256") {
		t.Errorf("a dry run has changed the code: %s", dry.body)
	}
	other := localtest.ZipOf(t, "bootstrap", "#!/bin/sh\nexit 9\n", 0o755)
	if a := f.expect(200, "", "PUT", functions+"/hello/code", object{"ZipFile": other}); a.field("CodeSha256") == created.field("CodeSha256") {
		t.Errorf("the code is as before: %s", a.body)
	}
	if a := f.call("GET", link, nil); a.status != 403 {
		t.Errorf("the link to the earlier code: got %d", a.status)
	}
	f.expect(400, "InvalidParameterValueException", "DELETE", functions+"/hello:$LATEST", nil)
	f.expect(404, "ResourceNotFoundException", "DELETE", functions+"/hello?Qualifier=1", nil)
	f.expect(204, "", "DELETE", functions+"/hello", nil)
	f.expect(404, "ResourceNotFoundException", "GET", functions+"/hello", nil)
	f.expect(404, "ResourceNotFoundException", "DELETE", functions+"/hello", nil)
	f.expect(201, "", "POST", functions, input(t, "hello"))
	if a := f.expect(200, "", "GET", functions+"/hello", nil); a.field("Tags") != nil {
		t.Errorf("the tags of the deleted function are there: %s", a.body)
	}
}

// A request that Lambda or this platform refuses gets an error with a sentence.
func TestRefusals(t *testing.T) {
	otherArchitecture := map[string]string{"amd64": "arm64", "arm64": "x86_64"}[runtime.GOARCH]
	f := newFixture(t, local.Options{})
	for _, test := range []struct {
		path  string
		value any
		kind  string
		text  string
	}{
		{"FunctionName", "a b", "ValidationException", "functionName"},
		{"FunctionName", nil, "ValidationException", "functionName"},
		{"FunctionName", "hello:live", "InvalidParameterValueException", "qualifier"},
		{"FunctionName", strings.Repeat("a", 65), "InvalidParameterValueException", "at most 64"},
		{"Role", nil, "ValidationException", "role"},
		{"Role", "x", "ValidationException", "role"},
		{"Runtime", nil, "InvalidParameterValueException", "Runtime and Handler are mandatory"},
		{"Handler", nil, "InvalidParameterValueException", "Runtime and Handler are mandatory"},
		{"Runtime", "nodejs22.x", "InvalidParameterValueException", "runs custom runtimes only: expected provided.al2023, provided.al2, provided, got \\\"nodejs22.x\\\""},
		{"Code.ZipFile", nil, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"},
		{"Code.ZipFile", []byte("no zip"), "InvalidParameterValueException", "zip"},
		{"Code.ZipFile", "no base64", "SerializationException", ""},
		{"Code.S3Bucket", "b", "InvalidParameterValueException", "has no S3: send the zip as ZipFile"},
		{"Code.ImageUri", "i", "InvalidParameterValueException", "runs no images"},
		{"PackageType", "Image", "InvalidParameterValueException", "runs no images"},
		{"Architectures", []string{otherArchitecture}, "InvalidParameterValueException", "this machine runs " + architecture() + " only"},
		{"Architectures", []string{"x86_64", "arm64"}, "InvalidParameterValueException", "only"},
		{"Publish", true, "InvalidParameterValueException", "no versions except $LATEST"},
		{"Layers", []string{"arn:aws:lambda:us-east-1:000000000000:layer:x:1"}, "InvalidParameterValueException", "no layers"},
		{"SnapStart", object{"ApplyOn": "PublishedVersions"}, "InvalidParameterValueException", "SnapStart"},
		{"Timeout", 0, "ValidationException", "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"Timeout", 901, "ValidationException", "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		{"Timeout", "3", "SerializationException", ""},
		{"MemorySize", 127, "ValidationException", "greater than or equal to 128"},
		{"MemorySize", 10241, "ValidationException", "less than or equal to 10240"},
		{"Environment.Variables", object{"1": "x"}, "ValidationException", "environment.variables"},
		{"Environment.Variables", object{"A=B": "x"}, "ValidationException", "environment.variables"},
		{"Environment.Variables", object{"AWS_REGION": "x", "_HANDLER": "y"}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION, _HANDLER"},
		{"Environment.Variables", object{"AA": strings.Repeat("x", 4095)}, "InvalidParameterValueException", "at most 4096"},
	} {
		a := f.expect(400, test.kind, "POST", functions, with(input(t, "hello"), test.path, test.value))
		if !strings.Contains(a.body, test.text) {
			t.Errorf("%s %v: got %s, want %s", test.path, test.value, a.body, test.text)
		}
	}
	for _, body := range []string{"", "null", "[]", `"x"`, "{", `{"Code":1}`} {
		if a := f.call("POST", functions, body); a.status != 400 {
			t.Errorf("%q: got %d %s", body, a.status, a.body)
		}
	}
	if n := len(f.cloud.Functions(nil)); n != 0 {
		t.Errorf("there are %d functions", n)
	}
}

// The architecture of this machine is accepted.
func TestArchitecture(t *testing.T) {
	f := newFixture(t, local.Options{})
	a := f.expect(201, "", "POST", functions+"/", with(input(t, "hello"), "Architectures", []string{architecture()}))
	if got := fmt.Sprint(a.field("Architectures")); got != "["+architecture()+"]" {
		t.Errorf("got %s", got)
	}
}

// A change that is refused changes nothing.
func TestUpdateRefused(t *testing.T) {
	f := newFixture(t, local.Options{})
	before := f.expect(201, "", "POST", functions, input(t, "hello"))
	f.expect(400, "ValidationException", "PUT", functions+"/hello/configuration", object{"Timeout": 0})
	f.expect(400, "ValidationException", "PUT", functions+"/hello/configuration", object{"Role": "x"})
	f.expect(400, "InvalidParameterValueException", "PUT", functions+"/hello/configuration", object{"Runtime": "java21"})
	f.expect(400, "InvalidParameterValueException", "PUT", functions+"/hello/configuration",
		object{"Role": "arn:aws:iam::000000000000:role/y", "Environment": object{"Variables": object{"AA": strings.Repeat("x", 4095)}}})
	f.expect(400, "SerializationException", "PUT", functions+"/hello/configuration", "{")
	f.expect(400, "InvalidParameterValueException", "PUT", functions+"/hello/code", object{})
	f.expect(400, "InvalidParameterValueException", "PUT", functions+"/hello/code", object{"ZipFile": []byte("no zip")})
	f.expect(400, "SerializationException", "PUT", functions+"/hello/code", "{")
	f.expect(404, "ResourceNotFoundException", "PUT", functions+"/other/code", object{})
	f.expect(404, "ResourceNotFoundException", "PUT", functions+"/other/configuration", object{})
	if after := f.expect(200, "", "GET", functions+"/hello/configuration", nil); after.body != before.body {
		t.Errorf("got  %s\nwant %s", after.body, before.body)
	}
}

// Links have the scheme of the request.
func TestLinkOverTLS(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.expect(201, "", "POST", functions, input(t, "hello"))
	a := f.call("GET", "https://localhost:9000"+functions+"/hello", nil)
	if link, _ := a.field("Code", "Location").(string); !strings.HasPrefix(link, "https://localhost:9000/") {
		t.Errorf("got %q", link)
	}
}

// Lists have pages.
func TestList(t *testing.T) {
	f := newFixture(t, local.Options{})
	if a := f.expect(200, "", "GET", functions, nil); a.body != `{"Functions":[],"NextMarker":null}` {
		t.Errorf("got %s", a.body)
	}
	for _, name := range []string{"c", "1a", "e", "b", "d"} {
		f.create(local.Settings{Name: name})
	}
	var got []string
	marker := ""
	for page := range 3 {
		a := f.expect(200, "", "GET", fmt.Sprintf("%s/?MaxItems=2&Marker=%s", functions, marker), nil)
		for _, fn := range a.field("Functions").([]any) {
			got = append(got, fn.(map[string]any)["FunctionName"].(string))
		}
		next, more := a.field("NextMarker").(string)
		if marker = next; more != (page < 2) {
			t.Errorf("page %d: the next marker is %q", page, next)
		}
	}
	if strings.Join(got, "") != "1abcde" {
		t.Errorf("got %v", got)
	}
	for _, n := range []string{"0", "10001", "x"} {
		f.expect(400, "ValidationException", "GET", functions+"?MaxItems="+n, nil)
	}
}

// A function from a folder has no zip.
func TestFolder(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	a := f.expect(200, "", "GET", functions+"/hello", nil)
	if a.field("Code", "Location") != nil || a.field("Configuration", "CodeSha256") != "" || a.field("Configuration", "Runtime") != "provided.al2023" {
		t.Errorf("got %s", a.body)
	}
	if a := f.call("GET", functions+"/hello/code.zip?signature=", nil); a.status != 403 {
		t.Errorf("its zip: got %d", a.status)
	}
	if a := f.call("GET", functions+"/other/code.zip", nil); a.status != 404 {
		t.Errorf("the zip of another: got %d", a.status)
	}
}

// A name may be a part of an ARN, an ARN, and escaped.
func TestNames(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	for name, want := range map[string]string{
		"hello":                            "hello",
		"hello:live":                       "hello:live",
		"hello%3A$LATEST":                  "hello:$LATEST",
		"hello?Qualifier=7":                "hello:7",
		"hello:7?Qualifier=7":              "hello:7",
		"function:hello":                   "hello",
		"123456789012:function:hello:live": "hello:live",
		"arn:aws:lambda:eu-west-1:123456789012:function:hello":                        "hello",
		"arn%3Aaws-cn%3Alambda%3Acn-north-1%3A123456789012%3Afunction%3Ahello%3Alive": "hello:live",
	} {
		a := f.expect(200, "", "GET", functions+"/"+strings.Replace(name, "?", "/configuration?", 1)+map[bool]string{false: "/configuration"}[strings.Contains(name, "?")], nil)
		if got := a.field("FunctionArn"); got != "arn:aws:lambda:us-east-1:000000000000:function:"+want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for _, name := range []string{"he%2Fllo", "hello%20", "a:b:c", "%3A", strings.Repeat("a", 171)} {
		f.expect(400, "ValidationException", "GET", functions+"/"+name, nil)
	}
	f.expect(400, "InvalidParameterValueException", "GET", functions+"/hello:1?Qualifier=2", nil)
	f.expect(404, "ResourceNotFoundException", "GET", functions+"/function", nil)
}

// The region of an ARN is the one that the request is signed for.
func TestRegion(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	r := httptest.NewRequest("GET", functions+"/hello/configuration", nil)
	signRequest(r, local.Key{ID: "x", Secret: "y"}, "")
	if a := f.send(r); a.field("FunctionArn") != "arn:aws:lambda:eu-west-1:000000000000:function:hello" {
		t.Errorf("got %s", a.body)
	}
}

// Every error is JSON, also for what does not exist and for bodies that are too large.
func TestErrorsAreJSON(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.expect(404, "UnknownOperationException", "GET", "/2018-10-31/layers", nil)
	f.expect(404, "UnknownOperationException", "PATCH", functions, nil)
	f.expect(404, "UnknownOperationException", "GET", functions+"/hello/", nil)
	for _, path := range []string{"//invocations", "/.", "/hello/../other", "/hello/.."} {
		f.expect(404, "UnknownOperationException", "POST", functions+path, "{}")
	}
	f.expect(415, "UnsupportedMediaTypeException", "POST", functions, input(t, "hello"), "Content-Type: text/plain")
	f.expect(415, "UnsupportedMediaTypeException", "POST", functions, input(t, "hello"), "Content-Type: application/x-www-form-urlencoded")
	f.expect(415, "UnsupportedMediaTypeException", "POST", functions, input(t, "hello"), "Content-Type: ;")
	large := strings.Repeat(" ", maxManagement+1)
	a := f.expect(413, "RequestEntityTooLargeException", "POST", functions, large)
	if !strings.Contains(a.body, "Request must be smaller than 70167211 bytes for the CreateFunction operation") {
		t.Errorf("got %s", a.body)
	}
	r := httptest.NewRequest("POST", functions, &brokenReader{})
	if a := f.send(r); a.status != 400 || a.field("message") == nil {
		t.Errorf("a body that breaks off: got %d %s", a.status, a.body)
	}
}

// A brokenReader fails after a few bytes.
type brokenReader struct{ bytes.Reader }

func (*brokenReader) Read([]byte) (int, error) { return 0, fmt.Errorf("broken") }

// After the end of the cloud its errors are the service's.
func TestClosed(t *testing.T) {
	f := newFixture(t, local.Options{})
	f.create(local.Settings{Name: "hello"})
	f.cloud.Close()
	f.expect(500, "ServiceException", "POST", functions, input(t, "other"))
}

// The API does not handle paths of other vendors.
func TestHandles(t *testing.T) {
	for path, want := range map[string]bool{
		"/2015-03-31/functions": true, "/2021-11-15/functions/a/response-streaming-invocations": true, "/2018-10-31/": true,
		"/": false, "/v2/0/fgs/functions": false, "/_local/functions": false, "/apigw/2015-03-31/": false, "/2015-03-31": false, "/2015/03/31/": false,
	} {
		if got := Handles(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}
