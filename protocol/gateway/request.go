package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"
)

// ErrNotHTTP reports that an event is not a request of the gateway.
var ErrNotHTTP = errors.New("the event is not an HTTP request of this gateway")

// Request returns the request in an event of the gateway. Its error is ErrNotHTTP if
// the event has another source.
func (g *Gateway) Request(event []byte) (*Request, error) {
	e, err := parseObject(event)
	if err != nil || !g.sent(e) {
		return nil, ErrNotHTTP
	}
	r, err := g.readRequest(e)
	if err != nil {
		return nil, fmt.Errorf("cannot read the event: %w", err)
	}
	return r, nil
}

func (g *Gateway) readRequest(e object) (r *Request, err error) {
	r = &Request{
		Method: e.text(g.method), RequestID: e.text(g.id), Stage: e.text(g.stage),
		ClientIP: e.text(g.client), Host: e.text(g.host), Time: g.readTime(e),
	}
	if !isToken(r.Method) {
		return nil, fmt.Errorf("invalid method %q", r.Method)
	}
	r.Path = g.readPath(e, r.Stage)
	r.Route = g.readRoute(e)
	if r.PathParameters, err = g.readParameters(e); err != nil {
		return nil, err
	}
	if r.RawQuery, err = g.readQuery(e); err != nil {
		return nil, err
	}
	if err := g.readHeader(e, r); err != nil {
		return nil, err
	}
	r.Body, err = decodeBody(e)
	return r, err
}

// readPath returns the path without the stage. It begins with a slash, and has no
// character that cannot be in a URL.
func (g *Gateway) readPath(e object, stage string) string {
	path := e.text(g.path)
	if g.staged && stage != "" && stage != defaultStage {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	path = escape(path, notInPath)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

func (g *Gateway) readRoute(e object) string {
	route := e.text(g.route)
	if !g.routeKey {
		return route
	}
	_, path, _ := strings.Cut(route, " ") // none in $default
	return path
}

func (g *Gateway) readTime(e object) time.Time {
	for _, key := range g.epoch {
		if number, ok := e.get(key).(json.Number); ok {
			if ms, err := number.Int64(); err == nil {
				return time.UnixMilli(ms).UTC()
			}
		}
	}
	return time.Time{}
}

func (g *Gateway) readParameters(e object) (map[string]string, error) {
	fields, ok := e.get(g.params).(map[string]any)
	if !ok && e.get(g.params) != nil {
		return nil, fmt.Errorf("%s: %w", g.params, errNotObject)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	all := map[string]string{}
	for name, value := range fields {
		text, ok := scalar(value)
		if !ok {
			return nil, fmt.Errorf("%s.%s: expected a string", g.params, name)
		}
		all[name] = text
	}
	return all, nil
}

// readHeader reads the headers, including those that the gateway adds.
func (g *Gateway) readHeader(e object, r *Request) error {
	all, err := g.header.read(e, textproto.CanonicalMIMEHeaderKey)
	if err != nil {
		return err
	}
	r.Header = all
	cookies, err := onlyList(e.get(g.cookies))
	if err != nil {
		return fmt.Errorf("%s: %w", g.cookies, err)
	}
	if len(cookies) > 0 { // Lambda's function URLs have the cookies in both places
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	if g.clientHeader != "" {
		r.ClientIP = lastAddress(r.Header.Get(g.clientHeader))
	}
	dropConnection(r.Header)
	if err := r.takeHost(); err != nil {
		return err
	}
	return checkHeader(r.Header)
}

// takeHost moves the host from the header to its field.
func (r *Request) takeHost() error {
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host")
	if strings.ContainsAny(r.Host, "/?#@ \t\r\n\x00") {
		return fmt.Errorf("invalid host %q", r.Host)
	}
	return nil
}
