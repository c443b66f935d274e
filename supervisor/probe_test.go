package supervisor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/health?a=b" || !r.Close {
			t.Errorf("got the request %+v", r)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	address := server.Listener.Addr().String()
	if err := dialTCP(t.Context(), address); err != nil {
		t.Errorf("a server: got %v", err)
	}
	if err := getHTTP(t.Context(), address, "/health?a=b"); err == nil || err.Error() != "HTTP status 418" {
		t.Errorf("got %v", err)
	}
	server.Close()
	if err := dialTCP(t.Context(), address); err == nil {
		t.Error("no server: got no error")
	}
	if err := getHTTP(t.Context(), address, "/"); err == nil || !strings.HasPrefix(err.Error(), "no answer: ") {
		t.Errorf("no server: got %v", err)
	}
}
