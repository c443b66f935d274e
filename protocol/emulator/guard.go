package emulator

import (
	"net"
	"net/http"
	"time"
)

const (
	headerTime = 30 * time.Second // time limit for a request's header
	maxHeader  = 64 << 10         // maximum size of a request's header in bytes
)

// guarded refuses calls that a page in a browser makes. A page can find our
// port, but its browser sends the origin of the page. If the name of the page
// was rebound to our address, the browser sends that name as the host. A
// runtime does neither. The port of the host is not checked, because a proxy
// may pass calls on.
func guarded(ip string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != "" && hostOf(r.Host) != ip: // HTTP/1.0 requires no host
			refuse(w, &refusal{http.StatusForbidden, "InvalidHost", "expected the host " + ip})
		case fromPage(r.Header):
			refuse(w, &refusal{http.StatusForbidden, "InvalidOrigin", "a page in a browser must not call a runtime API"})
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// hostOf returns a host without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// fromPage reports whether a browser has made the call for a page.
func fromPage(header http.Header) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"} {
		if header.Get(name) != "" {
			return true
		}
	}
	return false
}
