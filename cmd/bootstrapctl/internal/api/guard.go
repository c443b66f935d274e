package api

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guard refuses requests that a page in a browser may send without asking the
// server. A page could find our port and create a function, which then runs.
// Its browser sends the origin of the page. If the name of the page was rebound
// to our address, the browser takes us for the page's own server, but the
// request has that name as its host.
func guard(hosts []string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isOurHost(r.Host, hosts):
			refuse(w, "the request is for the host "+quote(r.Host)+": expected an IP address, localhost, or a name that -host allows")
		case isCrossSite(r):
			refuse(w, "the request comes from a page in a browser: pages of other sites must not use this server")
		case isManagement(r) && isSimple(r.Header.Get("Content-Type")):
			refuse(w, "this call changes functions: expected the Content-Type application/json, which no page can send without asking")
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
// names. Names below localhost never leave a machine (RFC 6761).
func isOurHost(host string, allowed []string) bool {
	if host == "" { // HTTP/1.0
		return true
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	return net.ParseIP(name) != nil || name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(allowed, name)
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

// isManagement reports whether a call of a vendor's API can change functions.
// All calls of Tencent's API count, because they have the same path.
func isManagement(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	return r.Header.Get("X-TC-Action") != "" || isVendorPath(r.URL.Path) && !strings.Contains(r.URL.Path, "/invocations")
}

// isVendorPath reports whether a path is one of Huawei's or AWS's APIs: /v2/… or
// /2015-03-31/….
func isVendorPath(path string) bool {
	return strings.HasPrefix(path, "/v2/") || strings.HasPrefix(path, "/v3/") || strings.HasPrefix(path, "/20")
}

// isSimple reports whether a page may send a body of this type to another site without
// asking that site (Fetch, CORS-safelisted request headers).
func isSimple(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		kind = strings.ToLower(contentType)
	}
	return slices.Contains([]string{"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}, kind)
}
