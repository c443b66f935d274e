package aws

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// The requests of AWS's SDKs for Go and for JavaScript, and of its command line, in the
// order of a life of a function, with their signatures.
func TestRecorded(t *testing.T) {
	key := local.Key{ID: "AKIDEXAMPLE", Secret: "secret"}
	for _, sdk := range []string{"go", "node", "cli"} {
		f := newFixture(t, local.Options{}, key)
		for _, test := range []struct {
			name   string
			status int
			header string // "Name: value", of the answer
			body   string // a part of it
		}{
			{"invoke-missing", 404, "X-Amzn-Errortype: ResourceNotFoundException", `"Message":"Function not found: arn:aws:lambda:REGION:000000000000:function:missing","Type":"User"`},
			{"get-missing", 404, "X-Amzn-Errortype: ResourceNotFoundException", `"Type":"User"`},
			{"create", 201, "", `"State":"Active"`},
			{"create", 409, "X-Amzn-Errortype: ResourceConflictException", `"message":"Function already exist: hello"`},
			{"get", 200, "", `"FunctionArn":"arn:aws:lambda:REGION:000000000000:function:hello"`},
			{"list", 200, "", `"FunctionName":"hello"`},
			{"invoke", 200, "X-Amz-Function-Error: Unhandled", `"errorType":"Runtime.ExitError"`}, // its bootstrap only writes "hi"
			{"invoke-arn", 200, "X-Amz-Function-Error: Unhandled", ""},
			{"invoke-dryrun", 204, "X-Amz-Executed-Version: $LATEST", ""},
			{"invoke-event", 202, "", ""},
			{"invoke-stream", 400, "X-Amzn-Errortype: InvalidParameterValueException", "does not stream"},
			{"tag", 204, "", ""},
			{"untag", 204, "", ""},
			{"update-configuration", 200, "", `"Timeout":5`},
			{"update-code", 200, "", `"LastUpdateStatus":"Successful"`},
			{"delete", 204, "", ""},
			{"invoke", 404, "X-Amzn-Errortype: ResourceNotFoundException", ""},
		} {
			if !slices.Contains(recordedNames(t), sdk+"-"+test.name) {
				continue // this SDK's was not recorded
			}
			r := recorded(t, sdk+"-"+test.name)
			f.setClock(r)
			a := f.send(r)
			test.body = strings.Replace(test.body, "REGION", regionOf(r), 1)
			name, value, _ := strings.Cut(test.header, ": ")
			if a.status != test.status || name != "" && a.header.Get(name) != value || !strings.Contains(a.body, test.body) {
				t.Errorf("%s-%s: got %d %v %s", sdk, test.name, a.status, a.header, a.body)
			}
		}
	}
}

// Every recorded request has a valid signature, and none after a change.
func TestSignatureOfRecorded(t *testing.T) {
	f := newFixture(t, local.Options{}, local.Key{ID: "other", Secret: "x"}, local.Key{ID: "AKIDEXAMPLE", Secret: "secret"})
	changes := map[string]func(r *http.Request){
		"body":      func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{ }")) },
		"path":      func(r *http.Request) { r.URL.Path += "/policy" },
		"parameter": func(r *http.Request) { r.URL.RawQuery = "Qualifier=x" },
		"method":    func(r *http.Request) { r.Method = "PATCH" },
		"host":      func(r *http.Request) { r.Host = "x" },
		"hash":      func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", unsigned) },
	}
	for _, name := range recordedNames(t) {
		f.setClock(recorded(t, name))
		if a := f.send(recorded(t, name)); a.status == http.StatusForbidden {
			t.Errorf("%s: got %s", name, a.body)
		}
		for what, change := range changes {
			r := recorded(t, name)
			change(r)
			if a := f.send(r); a.header.Get("X-Amzn-Errortype") != "InvalidSignatureException" {
				t.Errorf("%s with another %s: got %d %s", name, what, a.status, a.body)
			}
		}
	}
}

// A wrong signature gets AWS's own error.
func TestSignatureErrors(t *testing.T) {
	f := newFixture(t, local.Options{}, local.Key{ID: "AKIDEXAMPLE", Secret: "secret"})
	authorize := func(old, new string) func(r *http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	for _, test := range []struct {
		name   string
		change func(r *http.Request)
		after  time.Duration // of the clock, since the request was signed
		kind   string
		text   string
	}{
		{"right", func(*http.Request) {}, 0, "ResourceNotFoundException", ""},
		{"a clock 14 minutes ahead", func(*http.Request) {}, 14 * time.Minute, "ResourceNotFoundException", ""},
		{"none", func(r *http.Request) { r.Header.Del("Authorization") }, 0, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"in the query", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"
		}, 0, "MissingAuthenticationTokenException", ""},
		{"of another form", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 0, "IncompleteSignatureException", "requires 'Credential'"},
		{"without a date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 0, "IncompleteSignatureException", "X-Amz-Date"},
		{"unknown key", authorize("AKIDEXAMPLE", "AKIDOTHER"), 0, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"another service", authorize("/lambda/", "/s3/"), 0, "InvalidSignatureException", "correct service: 'lambda'"},
		{"another day", authorize("/20261130/", "/20261129/"), 0, "InvalidSignatureException", "Date in Credential scope"},
		{"host not signed", authorize("host;", ""), 0, "InvalidSignatureException", "'Host'"},
		{"wrong", authorize("Signature=", "Signature=00"), 0, "IncompleteSignatureException", ""},
		{"another", authorize("eu-west-1", "us-east-2"), 0, "InvalidSignatureException", "does not match the signature you provided"},
		{"too old", func(*http.Request) {}, 16 * time.Minute, "InvalidSignatureException", "Signature expired: 20261130T035218Z is now earlier than 20261130T035318Z (20261130T040818Z - 15 min.)"},
		{"too new", func(*http.Request) {}, -16 * time.Minute, "InvalidSignatureException", "Signature not yet current: 20261130T035218Z is still later than 20261130T035118Z (20261130T033618Z + 15 min.)"},
	} {
		r := recorded(t, "go-get")
		f.setClock(r)
		now := f.api.now().Add(test.after)
		f.api.now = func() time.Time { return now }
		test.change(r)
		a := f.send(r)
		if a.header.Get("X-Amzn-Errortype") != test.kind || !strings.Contains(a.body, test.text) {
			t.Errorf("%s: got %d %s %s", test.name, a.status, a.header.Get("X-Amzn-Errortype"), a.body)
		}
	}
}

// A request whose body is not signed is accepted, and one in signed chunks is not.
func TestSignatureOfPayload(t *testing.T) {
	key := local.Key{ID: "AKIDEXAMPLE", Secret: "secret"}
	f := newFixture(t, local.Options{}, key)
	for hash, kind := range map[string]string{
		"":                                   "ResourceNotFoundException", // the signature is right
		"UNSIGNED-PAYLOAD":                   "ResourceNotFoundException",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD": "InvalidSignatureException",
		strings.Repeat("0", 64):              "InvalidSignatureException",
	} {
		r := httptest.NewRequest("POST", "/2015-03-31/functions/hello/invocations", strings.NewReader("{}"))
		if hash != "" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		signRequest(r, key, "{}")
		if a := f.send(r); a.header.Get("X-Amzn-Errortype") != kind {
			t.Errorf("%q: got %d %s", hash, a.status, a.body)
		}
	}
}

// signRequest signs a request as SDKs do.
func signRequest(r *http.Request, key local.Key, body string) {
	now := time.Now().UTC()
	r.Header.Set("X-Amz-Date", now.Format(timeFormat))
	s := &signature{keyID: key.ID, date: now.Format("20060102"), region: "eu-west-1", service: "lambda", signed: []string{"host", "x-amz-date"}}
	r.Header.Set("Authorization", algorithm+" Credential="+key.ID+"/"+s.date+"/eu-west-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature="+
		s.compute(r, []byte(body), key.Secret))
}

// recordedNames returns the names of all recorded requests.
func recordedNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no recorded requests", err)
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".txt"))
	}
	return names
}
