package gateway

import (
	"fmt"
	"net/textproto"
	"strings"
	"time"
)

// A Request is an HTTP request, as the client sent it to the gateway.
type Request struct {
	Method   string
	Path     string               // still escaped; begins with a slash; without the stage
	RawQuery string               // still escaped, without the question mark
	Header   textproto.MIMEHeader // without Host
	Body     []byte

	Host      string
	ClientIP  string
	RequestID string
	Time      time.Time // of its arrival

	Stage          string            // the gateway's stage or environment, such as "release"
	Route          string            // the path of the trigger, such as "/pets/{id}"; empty: Path
	RouteMethod    string            // the method of the trigger, which may be ANY; empty: Method. Only Event uses it
	PathParameters map[string]string // the values in the route
}

// A Response is an HTTP response.
type Response struct {
	Status int
	Header textproto.MIMEHeader // each Set-Cookie is a value of its own
	Body   []byte
}

// hasBody reports whether a response of that status has a body (RFC 9110, 6.4.1).
func hasBody(status int) bool {
	return status >= 200 && status != 204 && status != 304
}

// dropped lists the headers that belong to one connection (RFC 9110, 7.6.1), and the
// length of the body, which the sender of the body computes.
var dropped = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// dropConnection removes the dropped headers. RFC 9110 requires proxies to
// remove also the headers that Connection names. dropConnection keeps those:
// some gateways pass Connection on, and a client could otherwise remove
// X-Forwarded-For, which the gateway has added.
func dropConnection(h textproto.MIMEHeader) {
	for _, name := range dropped {
		h.Del(name)
	}
}

// checkHeader returns an error if HTTP cannot carry a header. Without this check a
// line break in a value would begin another header.
func checkHeader(h textproto.MIMEHeader) error {
	for name, all := range h {
		if !isToken(name) {
			return fmt.Errorf("invalid name of a header: %q", name)
		}
		for _, value := range all {
			if strings.ContainsAny(value, "\r\n\x00") {
				return fmt.Errorf("invalid value of the header %s: %q", name, value)
			}
		}
	}
	return nil
}

// isToken reports whether a text may be a method or the name of a header (RFC 9110,
// 5.6.2).
func isToken(text string) bool {
	for _, c := range []byte(text) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return text != ""
}

// canonical returns a copy with the canonical form of each name. Names that differ only
// in case become one.
func canonical(h textproto.MIMEHeader) textproto.MIMEHeader {
	all := textproto.MIMEHeader{}
	for _, name := range sorted(h) {
		key := textproto.CanonicalMIMEHeaderKey(name)
		all[key] = append(all[key], h[name]...)
	}
	return all
}

// lower returns a copy with names in lower case.
func lower(h textproto.MIMEHeader) map[string][]string {
	all := map[string][]string{}
	for name, list := range h {
		all[strings.ToLower(name)] = list
	}
	return all
}
