package events

import (
	"encoding/json"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"bootstrap/protocol/gateway"
)

// A Request holds the parts of a sample HTTP request that can be changed. An
// empty field means the default.
type Request struct {
	Method string // default: GET, or POST if there is a body
	Path   string // with the query; default: /hello?name=Ada
	Body   string
}

const defaultPath = "/hello?name=Ada"

// A trigger is a gateway in front of a function.
type trigger struct {
	gateway   *gateway.Gateway
	host      string
	stage     string
	proxy     bool // its route is /{proxy+}
	forwarded bool // the gateway says in headers what it has forwarded
}

// sent is the time in all samples, so that each sample is always the same.
var sent = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (t *trigger) event(changed Request) ([]byte, error) {
	target := changed.Path
	if target == "" {
		target = defaultPath
	}
	path, query, _ := strings.Cut(target, "?")
	r := &gateway.Request{
		Method: changed.method(), Path: path, RawQuery: query, Body: []byte(changed.Body), Header: t.header(changed.Body),
		Host: t.host, ClientIP: "192.0.2.1", RequestID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", Time: sent, Stage: t.stage,
	}
	if t.proxy {
		r.Route = "/{proxy+}"
		r.PathParameters = map[string]string{"proxy": strings.TrimPrefix(path, "/")}
	}
	event, err := t.gateway.Event(r)
	if err != nil {
		return nil, err
	}
	return indent(event)
}

func (r *Request) method() string {
	switch {
	case r.Method != "":
		return r.Method
	case r.Body != "":
		return "POST"
	}
	return "GET"
}

// header returns the headers that curl sends and those that the gateway adds.
func (t *trigger) header(body string) textproto.MIMEHeader {
	h := textproto.MIMEHeader{"Accept": {"*/*"}, "User-Agent": {"curl/8.5.0"}}
	if body != "" {
		h.Set("Content-Type", typeOf(body))
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if t.forwarded {
		h.Set("X-Forwarded-For", "192.0.2.1")
		h.Set("X-Forwarded-Port", "443")
		h.Set("X-Forwarded-Proto", "https")
	}
	return h
}

func typeOf(body string) string {
	if json.Valid([]byte(body)) {
		return "application/json"
	}
	return "text/plain"
}
