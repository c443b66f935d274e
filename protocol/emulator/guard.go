package emulator

import (
	"net"
	"net/http"
	"time"
)

const (
	headerTime = 30 * time.Second // for a request's header to come
	maxHeader  = 64 << 10         // bytes of it
)

// guarded refuses the calls of a page in a browser. Such a page may find our
// port, but its browser says where the page is from, or, after a rebinding of
// its name, asks for another host. A runtime does neither. The port may be that
// of somebody who passes calls on.
func guarded(ip string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != "" && hostOf(r.Host) != ip: // HTTP/1.0 need not name one
			refuse(w, &refusal{http.StatusForbidden, "InvalidHost", "expected the host " + ip})
		case fromPage(r.Header):
			refuse(w, &refusal{http.StatusForbidden, "InvalidOrigin", "a page in a browser must not call a runtime API"})
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// hostOf is a host without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// fromPage reports whether a browser has made a call for a page.
func fromPage(header http.Header) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"} {
		if header.Get(name) != "" {
			return true
		}
	}
	return false
}
