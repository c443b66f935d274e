package protocol

import (
	"context"
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
	if err := Dial(context.Background(), address); err != nil {
		t.Errorf("a server: got %v", err)
	}
	if status, err := Get(context.Background(), address, "/health?a=b"); status != http.StatusTeapot || err != nil {
		t.Errorf("got %d, %v", status, err)
	}
	server.Close()
	if err := Dial(context.Background(), address); err == nil {
		t.Error("no server: got no error")
	}
	if _, err := Get(context.Background(), address, "/"); err == nil || !strings.HasPrefix(err.Error(), "no answer: ") {
		t.Errorf("no server: got %v", err)
	}
}
