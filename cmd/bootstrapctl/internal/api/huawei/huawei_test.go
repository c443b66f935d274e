package huawei

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

// headerVariable makes the test program a runtime that answers each event with the header
// of that name.
const headerVariable = "HUAWEI_TEST_HEADER"

func TestMain(m *testing.M) {
	if name := os.Getenv(headerVariable); name != "" {
		answerHeaders(name)
		return
	}
	localtest.Main(m)
}

func answerHeaders(name string) {
	base := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation/"
	for {
		r, err := http.Get(base + "request")
		if err != nil {
			return // the platform is gone
		}
		r.Body.Close()
		answer, err := http.Post(base+"response/"+r.Header.Get("X-Cff-Request-Id"), "text/plain", strings.NewReader(r.Header.Get(name)))
		if err == nil {
			answer.Body.Close()
		}
	}
}

const (
	functionsPath = "/v2/p/fgs/functions"
	helloPath     = functionsPath + "/urn:fss:cn-north-4:p:function:default:hello:latest"
)

// newAPI returns the API of a cloud with the function hello.
func newAPI(t *testing.T, o local.Options, change ...func(*local.Settings)) (*api, *local.Function) {
	t.Helper()
	cloud := localtest.New(t, o)
	s := local.Settings{Name: "hello", Platform: protocol.FunctionGraph, Timeout: time.Minute}
	for _, c := range change {
		c(&s)
	}
	f, err := cloud.Create(s, local.Code{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return New(cloud).(*api), f
}

// call sends a request and returns the answer. Headers are pairs of a name and a value.
func (a *api) call(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if !Handles(r) {
		t.Errorf("%s: Handles returned false", path)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if len(w.Header().Get("X-Request-Id")) != 32 {
		t.Errorf("%s %s: X-Request-Id is %q", method, path, w.Header().Get("X-Request-Id"))
	}
	return w.Result()
}

// bodyOf returns the body of an answer.
func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// get calls and decodes the answer, which must have that status.
func (a *api) get(t *testing.T, status int, into any, method, path, body string, headers ...string) {
	t.Helper()
	r := a.call(t, method, path, body, headers...)
	text := bodyOf(t, r)
	if r.StatusCode != status || r.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s %s: status %d, %s: %s", method, path, r.StatusCode, r.Header.Get("Content-Type"), text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
}

// refused calls, and checks the error and a part of its message.
func (a *api) refused(t *testing.T, want *failure, part, method, path, body string, headers ...string) {
	t.Helper()
	var got failure
	a.get(t, want.status, &got, method, path, body, headers...)
	if got.Code != want.Code || !strings.HasPrefix(got.Message, want.Message) || !strings.Contains(got.Message, part) {
		t.Errorf("%s %s: got %q\nwant %q with %q", method, path, got.Error(), want.Error(), part)
	}
}

func TestHandles(t *testing.T) {
	for path, want := range map[string]bool{
		"/v2/p/fgs/functions":                   true,
		"/v2/p/fgs/functions/urn:x/invocations": true,
		"/v2/p/fgs/triggers/urn:x":              true,
		"/v2/p/fgs/anything":                    true,
		"/v2/p/functions/urn:x/tags":            true,
		"/v3/projects":                          true,
		"/v3/auth/domains":                      true,
		"/":                                     false,
		"/v2":                                   false,
		"/v2/p/fgs":                             false,
		"/v2/p/functions/urn:x":                 false,
		"/v2/p/functions/urn:x/tags/create":     true,
		"/2015-03-31/functions":                 false,
		"/2021-11-15/functions/n/response-streaming-invocations": false,
		"/apigw/v2/p/fgs/functions":                              false,
		"/v3/users":                                              false,
	} {
		if got := Handles(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

// Calls that the local platform does not have are refused in the vendor's form.
func TestUnknown(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	a.refused(t, errNoResource, "POST /v2/p/fgs/workflows", "POST", "/v2/p/fgs/workflows", "{}")
	a.refused(t, errNoResource, "/tags/create", "POST", "/v2/p/functions/urn:fss:r:p:function:default:hello/tags/create", "{}")
	a.refused(t, errNoResource, "PATCH", "PATCH", functionsPath, "{}")
	a.refused(t, errNoResource, "does not have the call", "GET", helloPath+"/aliases", "")
}

// A URN may have these forms.
func TestURN(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	config := func(urn string) string { return functionsPath + "/" + urn + "/config" }
	for _, urn := range []string{
		"urn:fss:cn-north-4:p:function:default:hello:latest", "urn:fss:eu-west-0:other:function:default:hello",
		"urn%3Afss%3Acn-north-4%3Ap%3Afunction%3Adefault%3Ahello%3Alatest",
	} {
		var got function
		if a.get(t, 200, &got, "GET", config(urn), ""); got.URN != "urn:fss:cn-north-4:p:function:default:hello:latest" {
			t.Errorf("%s: got %s", urn, got.URN)
		}
	}
	for urn, want := range map[string]*failure{
		"hello": errParameter, "urn:fss:a:b:function:default:hello:latest:more": errParameter,
		"urn:fss:a:b:function:default": errParameter, "arn:fss:a:b:function:default:hello": errParameter,
		"urn:fss:a:b:function:default:missing": errNoFunction, "urn:fss:a:b:function:other:hello:latest": errNoFunction,
		"urn:fss:a:b:function:default:hello:v1": errNoVersion, "urn:fss:a:b:function:default:hello:!prod": errNoAlias,
	} {
		a.refused(t, want, "", "GET", config(urn), "")
	}
}

// Functions of other platforms are not in this API.
func TestOtherPlatform(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	other := local.Settings{Name: "other", Platform: protocol.SCF}
	if _, err := a.cloud.Create(other, local.Code{Path: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	a.refused(t, errNoFunction, "other", "GET", strings.Replace(helloPath, "hello", "other", 1)+"/config", "")
	var list struct{ Count int }
	if a.get(t, 200, &list, "GET", functionsPath, ""); list.Count != 1 {
		t.Errorf("the list has %d functions, expected 1", list.Count)
	}
}

// An SDK without a project ID asks IAM for it.
func TestIAM(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	var projects struct {
		Projects []struct{ ID, Name string }
	}
	a.get(t, 200, &projects, "GET", "/v3/projects?name=eu-west-101", "")
	if len(projects.Projects) != 1 || len(projects.Projects[0].ID) != 32 || projects.Projects[0].Name != "eu-west-101" {
		t.Errorf("got %+v", projects)
	}
	var domains struct{ Domains []struct{ ID string } }
	if a.get(t, 200, &domains, "GET", "/v3/auth/domains", ""); len(domains.Domains) != 1 || domains.Domains[0].ID == "" {
		t.Errorf("got %+v", domains)
	}
}

// A request may be as large as a zip, and no larger.
func TestBodyLimits(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	a.refused(t, errTooLarge, "bytes", "POST", helloPath+"/invocations", strings.Repeat(" ", limits.Event+2))
	a.refused(t, errTooLarge, "at most", "POST", helloPath+"/invocations", strings.Repeat(" ", limits.Event+1))
	a.refused(t, errTooLarge, "at most", "POST", helloPath+"/invocations-async", "{}"+strings.Repeat(" ", limits.AsyncEvent))
	a.refused(t, errTooLarge, "bytes", "POST", functionsPath, strings.Repeat(" ", base64Length(maxZip)+1<<20+1))
}

// FuzzRequest sends anything to each call: the answer is always one of HTTP.
func FuzzRequest(f *testing.F) {
	f.Add("POST", functionsPath, `{"func_name":"a","package":"default","runtime":"Custom","timeout":3,"handler":"a.b","memory_size":128,"code_type":"zip","func_code":{"file":"UEsDBA=="}}`)
	f.Add("PUT", helloPath+"/config", `{"runtime":"Custom","timeout":3,"handler":"a.b","memory_size":128,"user_data":"{\"A\":\"b\"}"}`)
	f.Add("POST", "/v2/p/fgs/triggers/urn:fss:r:p:function:default:hello", `{"trigger_type_code":"TIMER","event_data":{"schedule_type":"Cron","schedule":"@every 1m"}}`)
	f.Add("GET", functionsPath+"?marker=1&maxitems=-1", "")
	f.Add("GET", helloPath+"/async-invocations?query_begin_time=2026", "")
	cloud := localtest.New(f, local.Options{})
	if _, err := cloud.Create(local.Settings{Name: "hello", Platform: protocol.FunctionGraph}, local.Code{Path: f.TempDir()}); err != nil {
		f.Fatal(err)
	}
	open, locked := New(cloud), New(cloud, local.Key{ID: "a", Secret: "b"})
	f.Fuzz(func(t *testing.T, method, target, body string) {
		for _, a := range []http.Handler{open, locked} {
			r, err := http.NewRequest(method, "http://localhost"+target, bytes.NewReader([]byte(body)))
			if err != nil || strings.HasSuffix(r.URL.Path, "/invocations") || strings.HasSuffix(r.URL.Path, "/invocations-async") {
				return // this would start processes
			}
			r.Header.Set("X-Sdk-Date", time.Now().UTC().Format(dateFormat))
			r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=a, SignedHeaders=host;"+method+", Signature=00")
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code < 200 || w.Code == 500 {
				t.Errorf("%s %s: status %d: %s", method, target, w.Code, w.Body)
			}
		}
	})
}
