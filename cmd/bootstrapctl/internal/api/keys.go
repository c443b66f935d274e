package api

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// admits reports whether a request that is not a vendor's has a key (HTTP Basic), or
// needs none: there are no keys, or the request is for the certificate or for a
// trigger, which anybody may call, as in the cloud. It removes the key from the
// request, because functions must not see it.
func (s *server) admits(r *http.Request) bool {
	if len(s.options.Keys) == 0 {
		return true
	}
	id, secret, _ := r.BasicAuth()
	for _, k := range s.options.Keys {
		if id == k.ID && subtle.ConstantTimeCompare([]byte(secret), []byte(k.Secret)) == 1 {
			r.Header.Del("Authorization")
			return true
		}
	}
	return r.URL.Path == certificatePath || s.isTrigger(r)
}

// isTrigger reports whether a request is for a trigger that its function has.
func (s *server) isTrigger(r *http.Request) bool {
	if isOwn(r) {
		return false
	}
	found := s.findRoute(r)
	return found != nil && found.trigger.Kind != ""
}

// isOwn reports whether a request is never for a trigger.
func isOwn(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/_local/") || r.URL.Path == "/" && r.Method == http.MethodPost
}

func askForKey(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="bootstrapctl local"`)
	http.Error(w, "this call needs one of the keys with which bootstrapctl local was started: curl -u ID:SECRET", http.StatusUnauthorized)
}
