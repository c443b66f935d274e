package gateway

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzRequest checks that a request read from any event is one that HTTP can carry,
// and that it survives the gateway that sent it.
func FuzzRequest(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(event)
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		g := Find("", event)
		if g == nil {
			return
		}
		r, err := g.Request(event)
		if err != nil {
			return
		}
		checkCarried(t, r)
		again, err := g.Request(must(g.Event(r)))
		if err != nil {
			t.Fatalf("cannot read what was read before: %v", err)
		}
		third, err := g.Request(must(g.Event(again)))
		if err != nil || !reflect.DeepEqual(again, third) {
			t.Errorf("%s: got %+v, then %+v, %v", g.Name, again, third, err)
		}
	})
}

// checkCarried checks that a request can be written to a connection as it is.
func checkCarried(t *testing.T, r *Request) {
	t.Helper()
	line := r.Method + r.Path + r.RawQuery
	if strings.ContainsAny(r.Host, " \r\n/") {
		t.Errorf("HTTP cannot carry the host %q", r.Host)
	}
	if strings.ContainsFunc(line, func(c rune) bool { return c <= ' ' || c >= 0x7f }) || !strings.HasPrefix(r.Path, "/") || strings.Contains(r.Path, "?") {
		t.Errorf("HTTP cannot carry the request line %q %q %q", r.Method, r.Path, r.RawQuery)
	}
	if err := checkHeader(r.Header); err != nil {
		t.Error(err)
	}
	for _, name := range dropped {
		if r.Header[name] != nil {
			t.Errorf("the header %s belongs to one connection", name)
		}
	}
}

// FuzzResponse checks that any answer has a response that HTTP can carry, accepted
// or not.
func FuzzResponse(f *testing.F) {
	for _, r := range answers {
		for _, g := range All {
			f.Add(must(g.Answer(&r)))
		}
	}
	f.Add([]byte("text"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, g := range All {
			r, err := g.Response(answer, false)
			if err != nil {
				r = err.(*AnswerError).Response
			}
			if !isStatus(r.Status) || checkHeader(r.Header) != nil || len(r.Body) > 0 && !hasBody(r.Status) {
				t.Errorf("%s: got %+v", g.Name, r)
			}
			if _, err := g.Answer(r); err != nil {
				t.Errorf("%s: %v", g.Name, err)
			}
		}
	})
}
