package tencent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// An object is the parameters of a call, or a part of an answer.
type object = map[string]any

// An api is a server without keys for tests.
type api struct {
	*testing.T
	handler http.Handler
	cloud   *local.Cloud
}

func newAPI(t *testing.T, o local.Options) *api {
	t.Helper()
	cloud := localtest.New(t, o)
	return &api{t, New(cloud), cloud}
}

// serve returns the content of the answer to a request.
func (a *api) serve(r *http.Request) json.RawMessage {
	a.Helper()
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	var answer struct{ Response json.RawMessage }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		a.Fatalf("got %d %s %s: expected 200 and JSON", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return answer.Response
}

// post makes a request for an action.
func post(action string, params any) *http.Request {
	body, err := json.Marshal(params)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest("POST", "http://127.0.0.1:9000/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", version)
	return r
}

// call calls an action, which must succeed, and reads its answer into to, unless that is
// nil.
func (a *api) call(action string, params, to any) {
	a.Helper()
	content := a.serve(post(action, params))
	if e := errorIn(content); e.Code != "" {
		a.Fatalf("%s: %s: %s", action, e.Code, e.Message)
	}
	if to == nil {
		return
	}
	if err := json.Unmarshal(content, to); err != nil {
		a.Fatalf("%s: %v in %s", action, err, content)
	}
}

func errorIn(content json.RawMessage) apiError {
	var answer struct{ Error apiError }
	_ = json.Unmarshal(content, &answer) // no error in another content
	return answer.Error
}

// refuses checks that an action fails with a code, and a text that contains part.
func (a *api) refuses(action string, params any, code, part string) {
	a.Helper()
	content := a.serve(post(action, params))
	if e := errorIn(content); e.Code != code || !strings.Contains(e.Message, part) {
		a.Errorf("%s %v: got %s\nexpected %s and %q", action, params, content, code, part)
	}
}

// create creates the function "hello", or another one.
func (a *api) create(others object) {
	a.Helper()
	a.call("CreateFunction", newFunction(a.T, others), nil)
}

// newFunction returns the parameters of a function that echoes events. Others replace
// them, and remove those that are nil.
func newFunction(t *testing.T, others object) object {
	params := object{"FunctionName": "hello", "Runtime": "CustomRuntime", "Timeout": 60, "Code": object{"ZipFile": base64.StdEncoding.EncodeToString(localtest.Zip(t))}}
	for name, value := range others {
		params[name] = value
		if value == nil {
			delete(params, name)
		}
	}
	return params
}

// invoke sends an event to "hello" and returns the result.
func (a *api) invoke(event string) result {
	a.Helper()
	var answer invoked
	a.call("Invoke", object{"FunctionName": "hello", "ClientContext": event, "LogType": "Tail"}, &answer)
	return answer.Result
}

// Every answer has status 200, an id of its own, and the trace of the request.
func TestEnvelope(t *testing.T) {
	a := newAPI(t, local.Options{})
	ids := map[string]bool{}
	for _, action := range []string{"ListNamespaces", "ListFunctions", "GetFunction", "Nonsense"} {
		r := post(action, object{})
		r.Header.Set("X-TC-TraceId", "a-trace")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		var answer struct{ Response struct{ RequestId string } }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Response.RequestId) != 36 || ids[answer.Response.RequestId] {
			t.Errorf("%s: got %s, %v: expected a new RequestId", action, w.Body, err)
		}
		ids[answer.Response.RequestId] = true
		if w.Code != 200 || w.Header().Get("X-TC-TraceId") != "a-trace" {
			t.Errorf("%s: got status %d and trace %q", action, w.Code, w.Header().Get("X-TC-TraceId"))
		}
	}
}

func TestHandles(t *testing.T) {
	form := httptest.NewRequest("POST", "/", strings.NewReader("Action=CreateFunction&Signature=x"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	below := post("Invoke", nil)
	below.URL.Path = "/2015-03-31/functions"
	for _, test := range []struct {
		r    *http.Request
		want bool
	}{
		{post("Invoke", nil), true},
		{httptest.NewRequest("POST", "/", nil), false},
		{form, false}, // the old form, which any page in a browser can send
		{below, false},
	} {
		if got := Handles(test.r); got != test.want {
			t.Errorf("%s %s %v: got %v, want %v", test.r.Method, test.r.URL, test.r.Header, got, test.want)
		}
	}
}

// A request that is not a call of a known action in a form of TC3 is refused.
func TestForm(t *testing.T) {
	a := newAPI(t, local.Options{})
	change := func(change func(r *http.Request)) *http.Request {
		r := post("ListNamespaces", object{})
		change(r)
		return r
	}
	for _, test := range []struct {
		code string
		r    *http.Request
	}{
		{"UnsupportedProtocol", change(func(r *http.Request) { r.Method = "PUT" })},
		{"InvalidRequest", change(func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") })},
		{"InvalidRequest", change(func(r *http.Request) { r.Header.Del("Content-Type") })},
		{"MissingParameter", change(func(r *http.Request) { r.Header.Del("X-TC-Version") })},
		{"NoSuchVersion", change(func(r *http.Request) { r.Header.Set("X-TC-Version", "2017-03-12") })},
		{"InvalidAction", post("Nonsense", object{})},
		{"UnsupportedOperation", post("PublishVersion", object{})},
		{"InvalidParameter", post("ListFunctions", []int{1})},
		{"InvalidParameter", post("ListFunctions", object{"Limit": "20"})},
		{"InvalidParameter", post("ListFunctions", object{"Limit": 1.5})},
		{"UnknownParameter", post("ListFunctions", object{"limit": 20})},
		{"UnknownParameter", post("GetFunction", object{"qualified": object{}})},
		{"RequestSizeLimitExceeded", change(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat(" ", maxBody+1))) })},
	} {
		content := a.serve(test.r)
		if e := errorIn(content); e.Code != test.code || e.Message == "" {
			t.Errorf("got %.300s\nexpected %s", content, test.code)
		}
	}
	a.refuses("ListFunctions", object{"Limit": "20"}, "InvalidParameter", "the parameter `Limit` is a string: expected a value of type integer")
}
