package events

import (
	"encoding/json"
	"io/fs"
	"slices"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/gateway"
)

// TestTemplates checks that each event is JSON in lines, and comes from the trigger
// that it is named for.
func TestTemplates(t *testing.T) {
	for _, template := range All {
		event, err := template.Event(Request{})
		if err != nil {
			t.Errorf("%s %s: %v", template.Platform, template.Name, err)
			continue
		}
		if !json.Valid(event) || event[len(event)-1] != '\n' {
			t.Errorf("%s %s: got %q, want JSON in lines", template.Platform, template.Name, event)
		}
		var want *gateway.Gateway
		if template.http != nil {
			want = template.http.gateway
		}
		if got := gateway.Find(template.Platform, event); got != want {
			t.Errorf("%s %s: it is taken for an event of the gateway %+v", template.Platform, template.Name, got)
		}
	}
}

// TestNames checks that the list has each file and each gateway, on platforms that
// exist, and no name twice.
func TestNames(t *testing.T) {
	listed, gateways := map[string]bool{}, map[*gateway.Gateway]bool{}
	for _, template := range All {
		file := "data/" + template.Platform + "/" + template.Name + ".json"
		if listed[file] {
			t.Errorf("%s is listed twice", file)
		}
		listed[file] = true
		isPlatform := func(p *protocol.Platform) bool { return p.Name == template.Platform }
		if !slices.ContainsFunc(protocol.Platforms, isPlatform) {
			t.Errorf("%s: %q is not a platform", file, template.Platform)
		}
		if template.http != nil {
			gateways[template.http.gateway] = true
			if template.http.gateway.Platform != template.Platform {
				t.Errorf("%s: its gateway is of %s", file, template.http.gateway.Platform)
			}
		}
	}
	found, err := fs.Glob(files, "data/*/*.json")
	if err != nil || len(found) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range found {
		if !listed[file] {
			t.Errorf("%s is not listed", file)
		}
	}
	for _, g := range gateway.All {
		if !gateways[g] {
			t.Errorf("there is no event of %s", g.Title)
		}
	}
}

// TestChangedRequest checks that the flags reach the function through each gateway.
func TestChangedRequest(t *testing.T) {
	for _, template := range All {
		if template.http == nil {
			continue
		}
		g := template.http.gateway
		for _, test := range []struct {
			changed                         Request
			method, path, query, body, kind string
		}{
			{Request{}, "GET", "/hello", "name=Ada", "", ""},
			{Request{Path: "/a/b%2F"}, "GET", "/a/b%2F", "", "", ""},
			{Request{Body: `{"a": "<ü>"}`}, "POST", "/hello", "name=Ada", `{"a": "<ü>"}`, "application/json"},
			{Request{Method: "PUT", Path: "/?q=1", Body: "text"}, "PUT", "/", "q=1", "text", "text/plain"},
		} {
			event, err := template.Event(test.changed)
			if err != nil {
				t.Fatal(err)
			}
			r, err := g.Request(event)
			if err != nil {
				t.Fatal(err)
			}
			if r.Method != test.method || r.Path != test.path || r.RawQuery != test.query || string(r.Body) != test.body || r.Header.Get("Content-Type") != test.kind {
				t.Errorf("%s %+v: got %+v", g.Name, test.changed, r)
			}
			if r.Host != template.http.host || r.ClientIP != "192.0.2.1" {
				t.Errorf("%s: got the host %q and the client %q", g.Name, r.Host, r.ClientIP)
			}
		}
	}
}

func TestCannotChange(t *testing.T) {
	timer := Of("scf")[slices.IndexFunc(Of("scf"), func(t Template) bool { return t.Name == "timer" })]
	if _, err := timer.Event(Request{Method: "GET"}); err == nil {
		t.Error("a timer has a method")
	}
	for _, changed := range []Request{{Path: "x"}, {Method: "G T"}} {
		for _, template := range All {
			if _, err := template.Event(changed); err == nil {
				t.Errorf("%s: accepts %+v", template.Name, changed)
			}
		}
	}
}

// TestOf checks that each template is of one platform.
func TestOf(t *testing.T) {
	total := 0
	for _, p := range protocol.Platforms {
		total += len(Of(p.Name))
	}
	if total != len(All) {
		t.Errorf("got %d of %d templates", total, len(All))
	}
}
