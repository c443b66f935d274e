package gateway

import (
	"cmp"
	"fmt"
	"net/textproto"
	"strings"
	"time"
)

const (
	defaultStage = "$default"
	defaultRoute = "$default"
	clockFormat  = "02/Jan/2006:15:04:05 -0700"
)

// Event returns the event that the gateway sends to a function for a request.
func (g *Gateway) Event(r *Request) ([]byte, error) {
	if !isToken(r.Method) {
		return nil, fmt.Errorf("cannot write the event: invalid method %q", r.Method)
	}
	if !strings.HasPrefix(r.Path, "/") {
		return nil, fmt.Errorf("cannot write the event: the path %q does not begin with a slash", r.Path)
	}
	e := object{}
	for key, value := range g.fixed {
		e.set(key, value)
	}
	g.writeTexts(e, r)
	g.writeTime(e, r.Time)
	g.writeQuery(e, r.RawQuery)
	g.writeHeader(e, r)
	g.writeBody(e, r)
	return e.json()
}

// writeTexts writes the fields that are texts.
func (g *Gateway) writeTexts(e object, r *Request) {
	e.setAll(g.method, r.Method)
	e.setAll(g.path, g.stagedPath(r))
	e.setAll(g.route, g.routeOf(r))
	e.setAll(g.id, r.RequestID)
	e.setAll(g.stage, r.Stage)
	e.setAll(g.client, r.ClientIP)
	e.setAll(g.host, r.Host)
	e.setAll(g.userAgent, r.Header.Get("User-Agent"))
	switch {
	case g.params == "":
	case len(r.PathParameters) > 0:
		e.set(g.params, r.PathParameters)
	case g.none != nil:
		e.set(g.params, g.none)
	}
}

// stagedPath returns the path as it is in the event.
func (g *Gateway) stagedPath(r *Request) string {
	if g.staged && r.Stage != "" && r.Stage != defaultStage {
		return "/" + r.Stage + r.Path
	}
	return r.Path
}

// routeOf returns the route as it is in the event.
func (g *Gateway) routeOf(r *Request) string {
	switch {
	case g.routeKey && r.Route == "":
		return defaultRoute
	case g.routeKey:
		return cmp.Or(r.RouteMethod, r.Method) + " " + r.Route
	case r.Route == "":
		return r.Path
	}
	return r.Route
}

func (g *Gateway) writeTime(e object, t time.Time) {
	if !t.IsZero() {
		e.setAll(g.clock, t.UTC().Format(clockFormat))
		e.setAll(g.epoch, t.UnixMilli())
	}
}

// writeHeader writes the headers, with Host among them.
func (g *Gateway) writeHeader(e object, r *Request) {
	h := canonical(r.Header)
	if r.Host != "" {
		h.Set("Host", r.Host)
	}
	g.addClient(h, r.ClientIP)
	if cookies := h["Cookie"]; g.cookies != "" && len(cookies) > 0 {
		e.set(g.cookies, splitCookies(cookies))
		h.Del("Cookie")
	}
	if g.header.lower {
		g.header.write(e, lower(h), g.none)
		return
	}
	g.header.write(e, h, g.none)
}

// addClient writes the client's address into the header in which the gateway sends
// it. X-Forwarded-For lists the proxies that the request has passed; its last address
// is the one that the gateway has seen.
func (g *Gateway) addClient(h textproto.MIMEHeader, ip string) {
	switch list := h.Get(g.clientHeader); {
	case g.clientHeader == "" || ip == "" || lastAddress(list) == ip:
	case g.clientHeader == "X-Forwarded-For" && list != "":
		h.Set(g.clientHeader, list+", "+ip)
	default:
		h.Set(g.clientHeader, ip)
	}
}

func lastAddress(list string) string {
	return strings.TrimSpace(list[strings.LastIndex(list, ",")+1:])
}

// splitCookies returns the cookies of a request one by one.
func splitCookies(headers []string) (cookies []string) {
	for cookie := range strings.SplitSeq(strings.Join(headers, "; "), ";") {
		if cookie = strings.TrimSpace(cookie); cookie != "" {
			cookies = append(cookies, cookie)
		}
	}
	return cookies
}

func (g *Gateway) writeBody(e object, r *Request) {
	text, isBase64 := encodeBody(r.Body, r.Header, g.body.base64)
	switch {
	case text != "":
		e.set("body", text)
	case g.body.empty != nil:
		e.set("body", g.body.empty)
	}
	if isBase64 || !g.body.plain {
		e.set("isBase64Encoded", isBase64)
	}
}
