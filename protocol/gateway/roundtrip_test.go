package gateway

import (
	"maps"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// carried describes which parts of a request a gateway carries. It does not
// come from the tables of the gateways, which it checks.
type carried struct {
	repeated            string // what becomes of repeated headers: "kept", "joined" or "last"
	lastParameter       bool   // of a repeated parameter, only the last value arrives
	sameQuery           bool   // the query arrives byte for byte
	id, stage, time     bool
	route, params       bool
	noRoute, addsHeader string // the route of a request without one, and the header with the client's address
}

var carries = map[string]carried{
	"aws-v1":        {repeated: "kept", id: true, stage: true, time: true, route: true, params: true, noRoute: "path"},
	"aws-v2":        {repeated: "joined", sameQuery: true, id: true, stage: true, time: true, route: true, params: true},
	"alb":           {repeated: "last", lastParameter: true, addsHeader: "X-Forwarded-For"},
	"alb-multi":     {repeated: "kept", addsHeader: "X-Forwarded-For"},
	"scf":           {repeated: "kept", id: true, stage: true, route: true, params: true, noRoute: "path"},
	"scf-url":       {repeated: "kept", addsHeader: "X-Forwarded-For"},
	"functiongraph": {repeated: "kept", id: true, stage: true, params: true, addsHeader: "X-Real-Ip"},
}

// arrives returns the request as it arrives through a gateway.
func (c carried) arrives(r Request) Request {
	r.Header = maps.Clone(r.Header)
	for name, list := range r.Header {
		switch c.repeated {
		case "joined":
			r.Header[name] = []string{strings.Join(list, ",")}
		case "last":
			r.Header[name] = list[len(list)-1:]
		}
	}
	if c.addsHeader != "" && r.ClientIP != "" {
		r.Header[c.addsHeader] = []string{r.ClientIP}
	}
	if !c.id {
		r.RequestID = ""
	}
	if !c.stage {
		r.Stage = ""
	}
	if !c.time {
		r.Time = time.Time{}
	}
	if !c.params {
		r.PathParameters = nil
	}
	if !c.route {
		r.Route = ""
	} else if r.Route == "" && c.noRoute == "path" {
		r.Route = r.Path
	}
	return r
}

// query returns the values of a query as they arrive.
func (c carried) query(t *testing.T, raw string) url.Values {
	t.Helper()
	all, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	if c.lastParameter {
		for name, list := range all {
			all[name] = list[len(list)-1:]
		}
	}
	return all
}

// corpus has requests that gateways have been seen to damage.
var corpus = map[string]Request{
	"plain":                   {Method: "GET", Path: "/"},
	"parameter without value": {Method: "GET", Path: "/", RawQuery: "flag&empty=&name=Ada"},
	"repeated parameter":      {Method: "GET", Path: "/", RawQuery: "a=1&b=2&a=3&a=1"},
	"escaped slash":           {Method: "GET", Path: "/a%2Fb/c", RawQuery: "path=a%2Fb"},
	"plus and blank":          {Method: "GET", Path: "/a+b%20c", RawQuery: "q=a+b%20c&sum=1%2B1"},
	"ampersand":               {Method: "GET", Path: "/", RawQuery: "q=a%26b%3Dc&r=x=y"},
	"UTF-8":                   {Method: "GET", Path: "/caf%C3%A9/%E4%BD%A0", RawQuery: "n%C3%A9=%E5%A5%BD"},
	"header with UTF-8":       {Method: "GET", Path: "/", Header: textproto.MIMEHeader{"X-Name": {"Zoë"}}},
	"repeated header":         {Method: "GET", Path: "/", Header: textproto.MIMEHeader{"X-Tag": {"a", "b", "a"}, "Accept": {"*/*"}}},
	"two cookies":             {Method: "GET", Path: "/", Header: textproto.MIMEHeader{"Cookie": {"a=1; b=x=y"}}},
	"binary body": {Method: "PUT", Path: "/f", Body: []byte("\x00\xff\xfe"),
		Header: textproto.MIMEHeader{"Content-Type": {"application/octet-stream"}}},
	"binary body without type": {Method: "PUT", Path: "/f", Body: []byte("a\xffb")},
	"compressed body": {Method: "POST", Path: "/", Body: []byte("text, as it happens"),
		Header: textproto.MIMEHeader{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}}},
	"text body": {Method: "POST", Path: "/", Body: []byte("{\"a\": \"<&>\u2028 ü\"}\r\n"),
		Header: textproto.MIMEHeader{"Content-Type": {"application/json; charset=utf-8"}}},
	"all facts": {Method: "DELETE", Path: "/pets/7", RawQuery: "force=1", Host: "api.example.com", ClientIP: "192.0.2.1",
		RequestID: "r-1", Time: time.Date(2026, 11, 30, 1, 2, 3, 4e6, time.UTC), Stage: "release", Route: "/pets/{id}",
		PathParameters: map[string]string{"id": "7"}, Header: textproto.MIMEHeader{"User-Agent": {"curl/8"}}},
	"path that begins as the stage": {Method: "GET", Path: "/release/release", Stage: "release"},
	"default stage":                 {Method: "GET", Path: "/x", Stage: "$default"},
	"IPv6 client":                   {Method: "GET", Path: "/", ClientIP: "2001:db8::1"},
	"odd method":                    {Method: "PROPFIND", Path: "/dav//x/"},
}

// TestRequestRoundTrip checks that each request arrives as it was sent, except for
// what the gateway does not carry.
func TestRequestRoundTrip(t *testing.T) {
	for _, g := range All {
		c, ok := carries[g.Name]
		if !ok {
			t.Fatalf("%s is not in the table", g.Name)
		}
		for name, r := range corpus {
			t.Run(g.Name+"/"+name, func(t *testing.T) {
				if r.Header == nil {
					r.Header = textproto.MIMEHeader{}
				}
				checkRequest(t, g, c, r)
			})
		}
	}
}

func checkRequest(t *testing.T, g *Gateway, c carried, r Request) {
	t.Helper()
	event, err := g.Event(&r)
	if err != nil {
		t.Fatal(err)
	}
	if found := Find(g.Platform, event); found != g {
		t.Fatalf("the event is taken for another gateway's, %v: %s", found, event)
	}
	if found := Find("", event); found != g {
		t.Errorf("without a platform, the event is taken for another gateway's, %v: %s", found, event)
	}
	got, err := g.Request(event)
	if err != nil {
		t.Fatalf("%v: %s", err, event)
	}
	want := c.arrives(r)
	if c.sameQuery && got.RawQuery != r.RawQuery {
		t.Errorf("got the query %q, want %q", got.RawQuery, r.RawQuery)
	}
	if query := c.query(t, r.RawQuery); !reflect.DeepEqual(c.query(t, got.RawQuery), query) {
		t.Errorf("got the query %q, want the values %q", got.RawQuery, query)
	}
	want.RawQuery = got.RawQuery
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v\nfrom %s", *got, want, event)
	}
	again, err := g.Event(got)
	if err != nil || string(again) != string(must(g.Event(&want))) {
		t.Errorf("a second trip changes the event: %s, %v", again, err)
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// answers has responses that gateways have been seen to damage.
var answers = map[string]Response{
	"empty":           {Status: 200},
	"text":            {Status: 201, Header: textproto.MIMEHeader{"Content-Type": {"text/html"}}, Body: []byte("<p>ü &amp;</p>\n")},
	"binary":          {Status: 200, Header: textproto.MIMEHeader{"Content-Type": {"image/png"}}, Body: []byte("\x89PNG\x00")},
	"not UTF-8":       {Status: 200, Header: textproto.MIMEHeader{"Content-Type": {"text/plain; charset=latin1"}}, Body: []byte("Zo\xeb")},
	"compressed":      {Status: 200, Header: textproto.MIMEHeader{"Content-Encoding": {"gzip"}}, Body: []byte("\x1f\x8b")},
	"no content":      {Status: 204},
	"not modified":    {Status: 304, Header: textproto.MIMEHeader{"Etag": {`"1"`}}},
	"redirect":        {Status: 302, Header: textproto.MIMEHeader{"Location": {"/x?a=b&c=d"}}},
	"error":           {Status: 599, Body: []byte("no")},
	"one cookie":      {Status: 200, Header: textproto.MIMEHeader{"Set-Cookie": {"a=1; Expires=Mon, 30 Nov 2026 00:00:00 GMT"}}},
	"two cookies":     {Status: 200, Header: textproto.MIMEHeader{"Set-Cookie": {"a=1; Expires=Mon, 30 Nov 2026 00:00:00 GMT", "b=2"}}},
	"repeated header": {Status: 200, Header: textproto.MIMEHeader{"Vary": {"a", "b", "a"}}},
}

// kept describes how a gateway treats repeated headers of an answer: "all",
// "joined" (but all cookies), or "joined, last cookie".
var kept = map[string]string{
	"aws-v1": "all", "aws-v2": "joined", "alb": "joined, last cookie", "alb-multi": "all",
	"scf": "all", "scf-url": "all", "functiongraph": "all",
}

func TestAnswerRoundTrip(t *testing.T) {
	for _, g := range All {
		for name, r := range answers {
			t.Run(g.Name+"/"+name, func(t *testing.T) {
				answer, err := g.Answer(&r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := g.Response(answer, false)
				if err != nil {
					t.Fatalf("%v: %s", err, answer)
				}
				if want := keptOf(t, g, r); !reflect.DeepEqual(*got, want) {
					t.Errorf("got  %+v\nwant %+v\nfrom %s", *got, want, answer)
				}
			})
		}
	}
}

func keptOf(t *testing.T, g *Gateway, r Response) Response {
	t.Helper()
	h := textproto.MIMEHeader{}
	for name, list := range r.Header {
		switch way := kept[g.Name]; {
		case way == "":
			t.Fatalf("%s is not in the table", g.Name)
		case way == "all" || way == "joined" && name == "Set-Cookie":
			h[name] = list
		case name == "Set-Cookie":
			h[name] = list[len(list)-1:]
		default:
			h[name] = []string{strings.Join(list, ", ")}
		}
	}
	r.Header = h
	return r
}
