package api

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// guard refuses requests that a page in a browser may send without a preflight
// request. A page could find our port and create a function, which then runs. Its
// browser sends the origin of the page. If the page's host name was rebound to our
// address, the browser believes that we are the page's own server, but the request
// still names that host. Pages that functions serve have our origin, but must not
// use the vendors' APIs.
func guard(hosts []string, isVendors func(*http.Request) bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isOurHost(r.Host, hosts):
			refuse(w, "the request is for the host "+quote(r.Host)+": expected an IP address, localhost, or a name that -host allows")
		case isCrossSite(r):
			refuse(w, "the request comes from a page in a browser: pages of other sites must not use this server")
		case isBlind(r):
			refuse(w, "this browser does not say which page makes the request: use https or localhost in the address, or a newer browser")
		case !isVendors(r):
			h.ServeHTTP(w, r)
		case isFromPage(r):
			refuse(w, "the request comes from a page in a browser: the vendors' APIs are for programs")
		case isManagement(r) && isSimple(r.Header.Get("Content-Type")):
			refuse(w, "this call changes functions: expected the Content-Type application/json, which a page cannot send without a preflight request")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, why string) {
	http.Error(w, why, http.StatusForbidden)
}

// quote escapes a text of a request, and shortens it.
func quote(text string) string {
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return url.QueryEscape(text)
}

// isOurHost reports whether a Host is an address, localhost, or one of the allowed
// names. Names under localhost never leave a machine (RFC 6761).
func isOurHost(host string, allowed []string) bool {
	if host == "" { // HTTP/1.0
		return true
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	return net.ParseIP(name) != nil || name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		slices.ContainsFunc(allowed, func(other string) bool { return strings.EqualFold(other, name) })
}

// isCrossSite reports whether a page of another site has made the request.
func isCrossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}

// isFromPage reports whether a page has made the request, even a page of this
// server.
func isFromPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || site != "" && site != "none"
}

// isBlind reports whether the request comes from a browser that does not say which
// page made it: an old browser, or any browser that uses an address other than
// localhost without HTTPS. Such a browser may only read. PowerShell also calls
// itself Mozilla.
func isBlind(r *http.Request) bool {
	agent := r.UserAgent()
	switch {
	case !strings.HasPrefix(agent, "Mozilla/") || strings.Contains(agent, "PowerShell/"):
		return false
	case r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "":
		return false
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/_local/"):
		return false
	}
	from, err := url.Parse(r.Referer())
	return err != nil || from.Host == "" || !strings.EqualFold(from.Host, r.Host)
}

// isManagement reports whether a call of a vendor's API can change functions. All calls of
// Tencent's API count, because they have the same path.
func isManagement(r *http.Request) bool {
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return false
	case r.URL.Path == "/":
		return true
	}
	return !strings.HasSuffix(path.Base(r.URL.Path), "invocations") && path.Base(r.URL.Path) != "invocations-async"
}

// isSimple reports whether a page may send a body of this type to another site without
// asking that site (Fetch, CORS-safelisted request headers). Browsers ignore parameters
// that are wrong. A form always has a type, and scripts always have an origin.
func isSimple(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	return slices.Contains([]string{"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}, strings.TrimSpace(kind))
}
