package gateway

import (
	"net/textproto"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"
)

// samples has the request in each event of testdata. The events have the fields of
// the samples in the vendors' documents.
var samples = map[string]struct {
	gateway *Gateway
	request Request
	// absent has the keys of the sample that Event does not write, and added
	// has keys that only Event writes.
	absent, added []string
}{
	"aws-v1": {AWSv1, Request{
		Method: "POST", Path: "/pets/7", RawQuery: "color=red&color=blue+sky",
		Header: textproto.MIMEHeader{
			"Accept": {"*/*"}, "Content-Type": {"application/json"}, "Cookie": {"session=1; theme=dark"}, "User-Agent": {"curl/8.5.0"},
			"X-Amzn-Trace-Id": {"Root=1-67891233-abcdef012345678912345678"}, "X-Forwarded-For": {"192.0.2.1"},
			"X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"}, "X-Tag": {"a", "b"},
		},
		Body: []byte(`{"name": "Ada"}`), Host: "abcdefghij.execute-api.us-east-1.amazonaws.com", ClientIP: "192.0.2.1",
		RequestID: "id=", Time: time.UnixMilli(1583349317135).UTC(), Stage: "dev", Route: "/pets/{id}",
		PathParameters: map[string]string{"id": "7"},
	}, []string{
		"requestContext.authorizer", "requestContext.domainPrefix", "requestContext.extendedRequestId", "requestContext.identity.accessKey",
		"requestContext.identity.accountId", "requestContext.identity.caller", "requestContext.identity.cognitoIdentityId",
		"requestContext.identity.user", "requestContext.identity.userArn", "requestContext.path", "requestContext.resourceId",
	}, nil},
	"aws-v2": {AWSv2, Request{
		Method: "POST", Path: "/pets/7", RawQuery: "color=red&color=blue+sky&flag",
		Header: textproto.MIMEHeader{
			"Accept": {"*/*"}, "Content-Type": {"application/json"}, "Cookie": {"session=1; theme=dark"},
			"User-Agent": {"curl/8.5.0"}, "X-Tag": {"a,b"},
		},
		Body: []byte(`{"name": "Ada"}`), Host: "abcdefghij.execute-api.us-east-1.amazonaws.com", ClientIP: "192.0.2.1",
		RequestID: "JKJaXmPLvHcESHA=", Time: time.UnixMilli(1583349317135).UTC(), Stage: "dev", Route: "/pets/{id}",
		PathParameters: map[string]string{"id": "7"},
	}, []string{"requestContext.domainPrefix", "stageVariables.color"}, nil},
	"function-url": {AWSv2, Request{
		Method: "POST", Path: "/my/path", RawQuery: "a=1&a=2",
		Header: textproto.MIMEHeader{"Cookie": {"session=1; theme=dark"}, "X-Tag": {"a,b"}},
		Body:   []byte("Hello"), Host: "abc.lambda-url.us-west-2.on.aws", ClientIP: "192.0.2.1",
		RequestID: "id", Time: time.UnixMilli(1583349317135).UTC(), Stage: "$default",
	}, []string{
		"headers.cookie", "pathParameters", "requestContext.authentication", "requestContext.authorizer.iam.accessKey",
		"requestContext.authorizer.iam.callerId", "requestContext.domainPrefix", "stageVariables",
	}, nil},
	"alb": {ALB, Request{
		Method: "GET", Path: "/a%20b", RawQuery: "flag=&query=1%2B1",
		Header: textproto.MIMEHeader{
			"Accept": {"*/*"}, "Cookie": {"session=1; theme=dark"}, "User-Agent": {"curl/8.5.0"},
			"X-Amzn-Trace-Id": {"Root=1-5bdb40ca-556d8b0c50dc66f0511bf520"}, "X-Forwarded-For": {"198.51.100.9, 192.0.2.1"},
			"X-Forwarded-Port": {"80"}, "X-Forwarded-Proto": {"http"},
		},
		Host: "lambda-846800462.us-east-2.elb.amazonaws.com", ClientIP: "192.0.2.1",
	}, nil, nil},
	"alb-multi": {ALBMulti, Request{
		Method: "GET", Path: "/a%20b", RawQuery: "query=1%2B1&query=x",
		Header: textproto.MIMEHeader{"Accept": {"*/*"}, "Cookie": {"session=1", "theme=dark"}, "X-Forwarded-For": {"192.0.2.1"}},
		Body:   []byte("\x00\xff"), Host: "lambda-846800462.us-east-2.elb.amazonaws.com", ClientIP: "192.0.2.1",
	}, nil, nil},
	"scf": {SCF, Request{
		Method: "POST", Path: "/test/value", RawQuery: "bob=alice+bob&foo=bar",
		Header: textproto.MIMEHeader{
			"Accept": {"text/html,application/xml,application/json"}, "Accept-Language": {"en-US,en,cn"}, "User-Agent": {"User Agent String"},
		},
		Body: []byte(`{"test":"body"}`), Host: "service-3ei3tii4-251000691.ap-guangzhou.apigateway.myqloud.com",
		ClientIP: "192.0.2.1", RequestID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", Stage: "release", Route: "/test/{path}",
		PathParameters: map[string]string{"path": "value"},
	}, []string{ // names of headers are in lower case; identity and both objects of declared parameters are empty
		"headerParameters.Refer", "headers.Accept", "headers.Accept-Language", "headers.Host", "headers.User-Agent",
		"queryStringParameters.foo", "requestContext.identity.secretId",
	}, []string{
		"headerParameters", "headers.accept", "headers.accept-language", "headers.host", "headers.user-agent",
		"isBase64Encoded", "queryStringParameters", "requestContext.identity",
	}},
	"scf-url": {SCFURL, Request{
		Method: "POST", Path: "/", RawQuery: "a=1&b=2", Body: []byte(`{"test":"hello world"}`),
		Header: textproto.MIMEHeader{"Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate, br"}, "Cache-Control": {"no-cache"}},
	}, []string{"headers.connection", "headers.content-length"}, nil},
	"functiongraph": {FunctionGraph, Request{
		Method: "POST", Path: "/apig-event-template", RawQuery: "responseType=html", Body: []byte(`{"test":"body"}`),
		Header: textproto.MIMEHeader{
			"Accept-Language": {"en-US;q=0.3,en;q=0.2"}, "X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Port": {"443"},
			"X-Forwarded-Proto": {"https"}, "X-Real-Ip": {"192.0.2.1"},
		},
		Host: "50eedf92-c9ad-4ac0-827e-d7c11415d4f1.apigw.region.cloud.com", ClientIP: "192.0.2.1",
		RequestID: "11cdcdcf33949dc6d722640a13091c77", Stage: "RELEASE", PathParameters: map[string]string{"path": "value"},
	}, nil, nil},
}

// TestSamples checks that the vendors' samples are recognised and read, and that
// Event writes the same keys.
func TestSamples(t *testing.T) {
	for name, sample := range samples {
		t.Run(name, func(t *testing.T) {
			event, err := os.ReadFile("testdata/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if found := Find("", event); found != sample.gateway {
				t.Fatalf("the sample is taken for an event of %v", found)
			}
			r, err := sample.gateway.Request(event)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*r, sample.request) {
				t.Errorf("got  %+v\nwant %+v", *r, sample.request)
			}
			ours := must(sample.gateway.Event(r))
			checkKeys(t, "missing", keysOf(t, event), keysOf(t, ours), sample.absent)
			checkKeys(t, "added", keysOf(t, ours), keysOf(t, event), sample.added)
		})
	}
}

// checkKeys compares the keys that are only in one event with those that are expected.
func checkKeys(t *testing.T, what string, in, notIn, want []string) {
	t.Helper()
	only := slices.DeleteFunc(in, func(key string) bool { return slices.Contains(notIn, key) })
	if !slices.Equal(only, want) {
		t.Errorf("%s keys: got %q, want %q", what, only, want)
	}
}

// keysOf returns the paths of all values in an event that are not objects with keys.
func keysOf(t *testing.T, event []byte) (keys []string) {
	t.Helper()
	e, err := parseObject(event)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, fields map[string]any)
	walk = func(prefix string, fields map[string]any) {
		for _, name := range sorted(fields) {
			if inner, ok := fields[name].(map[string]any); ok && len(inner) > 0 {
				walk(prefix+name+".", inner)
			} else {
				keys = append(keys, prefix+name)
			}
		}
	}
	walk("", e)
	slices.Sort(keys)
	return keys
}

// TestNotHTTP checks that events of other sources are not taken for requests.
func TestNotHTTP(t *testing.T) {
	for _, event := range []string{
		`{}`, `[]`, `"x"`, `null`, `1`, ``, `{`, `{"httpMethod": null, "path": "/"}`, `{} {}`,
		`{"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}`,
		`{"Type": "Timer", "TriggerName": "x", "Time": "2026-11-30T00:00:00Z", "Message": ""}`,
		`{"version": "1.0", "requestContext": {"http": {"method": "GET"}}}`,
		`{"version": "2.0", "requestContext": {"routeKey": "$connect", "connectionId": "x"}}`,
		`{"requestContext": "text", "httpMethod": "GET", "resource": null}`,
	} {
		if g := Find("", []byte(event)); g != nil {
			t.Errorf("%s: taken for an event of %s", event, g.Name)
		}
		for _, g := range All {
			if _, err := g.Request([]byte(event)); err != ErrNotHTTP {
				t.Errorf("%s: %s: got the error %v", event, g.Name, err)
			}
		}
	}
}

// TestFindPlatform checks that an event of another platform is not found.
func TestFindPlatform(t *testing.T) {
	event := must(SCFURL.Event(&Request{Method: "GET", Path: "/"}))
	if Find("scf", event) != SCFURL || Find("lambda", event) != nil || Find("functiongraph", event) != nil {
		t.Error("the platform is ignored")
	}
}

func TestNamed(t *testing.T) {
	for i, name := range Names() {
		if Named(name) != All[i] {
			t.Errorf("%s: not found", name)
		}
	}
	if Named("nginx") != nil {
		t.Error("found a gateway that does not exist")
	}
}

// TestOneGateway checks that of the gateways of a platform only one takes a sample.
func TestOneGateway(t *testing.T) {
	for name, sample := range samples {
		event, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range All {
			_, err := g.Request(event)
			if taken := err == nil; g.Platform == sample.gateway.Platform && taken != (g == sample.gateway) {
				t.Errorf("%s: %s takes it for its own: %t, %v", name, g.Name, taken, err)
			}
		}
	}
}

// TestWrittenFields pins fields that Request does not read, or reads in more than one
// form. Nil means that the key is left out.
func TestWrittenFields(t *testing.T) {
	full := &Request{
		Method: "POST", Path: "/p", RawQuery: "a=1&b=x+y&a=2%2F", Body: []byte("hi"), Stage: "dev", Time: time.UnixMilli(1583349317135),
		Header: textproto.MIMEHeader{"X-Tag": {"a", "b"}, "User-Agent": {"curl"}},
	}
	empty := &Request{Method: "GET", Path: "/p"}
	list := func(texts ...any) any { return texts }
	for _, test := range []struct {
		gateway *Gateway
		request *Request
		key     string
		want    any
	}{
		{AWSv1, full, "queryStringParameters", map[string]any{"a": "2/", "b": "x y"}},
		{AWSv1, full, "multiValueQueryStringParameters.a", list("1", "2/")},
		{AWSv1, full, "headers.X-Tag", "b"},
		{AWSv1, full, "multiValueHeaders.X-Tag", list("a", "b")},
		{AWSv1, full, "requestContext.requestTime", "04/Mar/2020:19:15:17 +0000"},
		{AWSv1, full, "requestContext.identity.userAgent", "curl"},
		{AWSv1, empty, "requestContext.requestTime", nil},
		{AWSv2, full, "rawPath", "/dev/p"},
		{AWSv2, full, "queryStringParameters", map[string]any{"a": "1,2/", "b": "x y"}},
		{AWSv2, full, "headers.x-tag", "a,b"},
		{AWSv2, full, "body", "hi"},
		{AWSv2, empty, "queryStringParameters", nil},
		{AWSv2, empty, "body", nil},
		{AWSv2, empty, "cookies", nil},
		{AWSv2, empty, "rawQueryString", ""},
		{ALB, full, "queryStringParameters", map[string]any{"a": "2%2F", "b": "x+y"}},
		{ALB, full, "multiValueHeaders", nil},
		{ALB, empty, "body", ""},
		{ALBMulti, full, "multiValueQueryStringParameters.a", list("1", "2%2F")},
		{ALBMulti, full, "headers", nil},
		{SCF, full, "queryString", map[string]any{"a": list("1", "2/"), "b": "x y"}},
		{SCF, full, "headers.x-tag", list("a", "b")},
		{SCF, full, "isBase64Encoded", false},
		{SCF, empty, "queryString", map[string]any{}},
		{SCF, empty, "body", nil},
		{SCFURL, full, "isBase64Encoded", nil},
		{SCFURL, full, "requestContext", nil},
		{FunctionGraph, full, "body", "aGk="},
		{FunctionGraph, full, "isBase64Encoded", true},
		{FunctionGraph, empty, "body", ""},
		{FunctionGraph, empty, "isBase64Encoded", true},
	} {
		e, err := parseObject(must(test.gateway.Event(test.request)))
		if err != nil {
			t.Fatal(err)
		}
		if got := e.get(test.key); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s %s: got %#v, want %#v", test.gateway.Name, test.key, got, test.want)
		}
	}
}
