package api

import (
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

// With keys, each call needs one, except calls for the certificate and for triggers.
// The function does not get the key.
func TestKeys(t *testing.T) {
	cloud := localtest.New(t, local.Options{})
	trigger := local.Trigger{Kind: "http", Enabled: true, Gateway: "scf", Method: "ANY", Path: "/open"}
	f, err := cloud.Create(local.Settings{Name: "hello", Platform: protocol.SCF, Triggers: []local.Trigger{trigger}}, local.Code{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(cloud, Options{Keys: []local.Key{{ID: "one", Secret: "first"}, {ID: "two", Secret: "second"}}, Certificate: []byte("pem")}))
	t.Cleanup(server.Close)
	basic := func(pair string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	for _, call := range []sent{
		{"POST", "/", "{}", nil}, {"GET", "/", "", nil}, {"GET", "/apigw/hello/x", "", nil}, {"GET", "/none", "", nil},
		{"GET", "/_local/functions", "", nil}, {"GET", "/_local/functions/hello/invocations", "", nil},
		{"POST", "/_local/functions/hello/timers/x", "", nil},
	} {
		for header, admitted := range map[string]bool{"": false, basic("one:second"): false, basic(":"): false, basic("two:second"): true} {
			call.header = nil
			if header != "" {
				call.header = []string{header}
			}
			status, answer, body := call.do(t, server.URL)
			if admitted == (status == 401) {
				t.Errorf("%s %s with %q: got %d %s", call.method, call.path, header, status, body)
			}
			if status == 401 && (answer.Get("WWW-Authenticate") == "" || strings.Contains(body, "first")) {
				t.Errorf("%s %s: got %s and %v", call.method, call.path, body, answer)
			}
		}
	}
	for _, call := range []sent{{"GET", certificatePath, "", nil}, {"GET", "/open", "", nil}, {"GET", "/apigw/hello/open", "", nil}} {
		if status, _, body := call.do(t, server.URL); status != 200 {
			t.Errorf("%s: got %d %s", call.path, status, body)
		}
	}
	for header, kept := range map[string]bool{basic("one:first"): false, basic("a:b"): true} {
		_, _, body := sent{"GET", "/open", "", []string{header}}.do(t, server.URL)
		if strings.Contains(body, "Basic ") != kept {
			t.Errorf("%s: the event is %s", header, body)
		}
	}
	for _, inv := range f.Invocations() {
		if strings.Contains(string(inv.Event), base64.StdEncoding.EncodeToString([]byte("one:first"))) {
			t.Errorf("the event has a key: %s", inv.Event)
		}
	}
}
